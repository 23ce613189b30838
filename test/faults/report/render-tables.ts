import type { Result } from './results.js';

/** The topologies in the order of the columns. */
const ORDER = [
  'standalone',
  'sentinel',
  'cluster',
  'quorum',
  'postgres',
  'postgres-replicated',
  'postgres-asynchronous',
];

/** The tables of the long runs, per topology: servers, runs, and recovery from faults. */
export function renderTables(results: readonly Result[]): string {
  const sorted = [...results].sort((a, b) => ORDER.indexOf(a.topology) - ORDER.indexOf(b.topology));
  const common = inCommon(sorted);
  return [
    sorted.map((result) => onWhat(result, common)).join('; ') +
      (common.length === 0 ? '.' : `. All on ${common.join(', ')}.`),
    markdownTable(['', ...sorted.map(({ topology }) => topology)], runs(sorted)),
    'The longest time from a fault to the next grant of a key that was waited for, in milliseconds. Each fault was injected about as often as every other.',
    markdownTable(['fault', ...sorted.map(({ topology }) => topology)], faults(sorted)),
  ].join('\n\n');
}

/** The servers of a run. */
function onWhat({ topology, versions }: Result, common: readonly string[]): string {
  return `${topology}: ${versions.filter((version) => !common.includes(version)).join(', ')}`;
}

function runs(results: readonly Result[]): string[][] {
  const row = (title: string, cell: (result: Result) => string): string[] => [title, ...results.map(cell)];
  /** Older runs did not count everything. */
  const figure = (name: string) =>
    row(name, ({ figures: { [name]: value } }) => (value === undefined ? '–' : count(value)));
  return [
    row('seed', ({ seed }) => String(seed)),
    row('minutes', ({ minutes }) => String(minutes)),
    row('date', ({ date }) => date),
    row('faults injected', (result) => count(sum(result.faults))),
    row('grants checked', ({ figures }) => count(figures.grants)),
    figure('terms of leaders'),
    figure('payments charged'),
    figure('checkpoints saved'),
    figure('writes accepted'),
    figure('stale writes refused'),
    figure('updates lost without fencing'),
    row('longest wait, ms', ({ figures }) => count(figures['longest wait'])),
    row('longest idle of a free key, ms', ({ figures }) => count(figures['longest idle of a free key'])),
    row('slower recoveries, within the slack', ({ slow }) => count(slow)),
    row('overlaps allowed (see above)', ({ allowed }) => count(sum(allowed['two holders at once'] ?? {}))),
    row('**breaches**', ({ breaches }) => `**${count(sum(breaches))}**`),
  ];
}

function faults(results: readonly Result[]): string[][] {
  const kinds = new Set(
    results.flatMap(({ faults: injected, recovery }) => [...Object.keys(injected), ...Object.keys(recovery)]),
  );
  return [...kinds].sort().map((kind) => [
    kind,
    ...results.map(({ faults: { [kind]: injected }, recovery: { [kind]: longest } }) => {
      if (longest !== undefined) return count(longest);
      return injected === undefined ? '' : '–';
    }),
  ]);
}

/** What all runs have been on, such as the version of Node. */
function inCommon(results: readonly Result[]): string[] {
  const [first, ...others] = results.map(({ versions }) => versions);
  return (first ?? []).filter((version) => others.every((versions) => versions.includes(version)));
}

/** As wide as Prettier makes it. */
function markdownTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, i) => Math.max(3, title.length, ...rows.map((cells) => cells[i]?.length ?? 0)));
  const lineOf = (cells: readonly string[]): string =>
    `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`;
  return [heading, widths.map((width) => '-'.repeat(width)), ...rows].map(lineOf).join('\n');
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, each) => total + each, 0);
}

function count(value = 0): string {
  return Math.round(value).toLocaleString('en');
}
