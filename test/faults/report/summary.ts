import type { RunOptions } from '../options.js';
import type { RunOutcome } from '../run.js';
import { countBy } from './results.js';

const SHOWN = 20;

/** The text that is printed at the end of a run. */
export function summary({ seed, topology }: RunOptions, outcome: RunOutcome): string {
  const { faults, recovery, figures, allowed, breaches, slow, kept } = outcome;
  const kinds = [...new Set([...Object.keys(faults), ...Object.keys(recovery)])].sort();
  const lines = [
    '',
    table([
      ['fault', 'injected', 'longest recovery'],
      ...kinds.map((kind) => [kind, String(faults[kind] ?? ''), milliseconds(recovery[kind])]),
    ]),
    '',
    table(Object.entries(figures).map(([name, value]) => [name, String(Math.round(value))])),
  ];
  for (const [rule, reasons] of Object.entries(allowed)) {
    for (const [reason, times] of Object.entries(reasons)) lines.push(`allowed: ${rule}, ${times} times: ${reason}`);
  }
  for (const { text } of slow.slice(0, SHOWN)) lines.push(`slow: ${text}`);
  lines.push('', `${breaches.length} breaches (seed ${seed}, ${topology})`);
  for (const [rule, times] of Object.entries(countBy(breaches.map(({ rule }) => rule))))
    lines.push(`  ${rule}: ${times}`);
  for (const { rule, at, text } of breaches.slice(0, SHOWN)) lines.push(`- ${rule}, at ${at.toFixed(3)}: ${text}`);
  if (kept !== undefined) lines.push(`The history: ${kept}`);
  return lines.join('\n');
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '' : `${Math.round(value)} ms`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0))) ?? [];
  return rows
    .map((cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n');
}
