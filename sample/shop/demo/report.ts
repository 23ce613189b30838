import { lostUpdates, oversold, type RunResult } from './run-result.js';

const LABEL_WIDTH = 26;
const COLUMN_WIDTH = 25;

type Row = [label: string, cell: (run: RunResult) => string | number];

const ROWS: readonly Row[] = [
  ['in stock', (run) => run.inStock],
  ['orders sent', (run) => run.sent],
  ['accepted', (run) => run.accepted],
  ['sold out', (run) => run.soldOut],
  ['errors and timeouts', (run) => run.failed],
  ['oversold', oversold],
  ['left in stock', (run) => run.left],
  ['left + accepted = in stock', (run) => (lostUpdates(run) === 0 ? 'yes' : `no, ${lostUpdates(run)} lost`)],
  ['all answered after', (run) => `${Math.round(run.tookMs)} ms`],
];

/** The two runs side by side. */
export function renderTable(unlocked: RunResult, locked: RunResult): string {
  const lines = [
    line('', 'without a lock', "@WithLock('stock:<0>')"),
    ...ROWS.map(([label, cell]) => line(label, cell(unlocked), cell(locked))),
  ];
  const failure = locked.firstFailure ?? unlocked.firstFailure;
  if (failure !== undefined) lines.push(`  first error: ${failure}`.slice(0, 79));
  return lines.join('\n');
}

function line(label: string, ...cells: (string | number)[]): string {
  return `  ${label.padEnd(LABEL_WIDTH)}${cells.map((cell) => String(cell).padStart(COLUMN_WIDTH)).join('')}`;
}
