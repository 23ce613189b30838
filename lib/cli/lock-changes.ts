import { nameOf, type LockRow } from './lock-row.js';
import { formatDuration } from '../operations/examination/format-duration.js';
import { count } from './terminal/format.js';
import { printable } from './terminal/printable.js';

/** One key's change since the last look, as JSON has it. */
export type LockChange =
  /** `held`: it was held at the first look. */
  | ({ readonly change: 'held' | 'acquired' } & LockRow)
  /** Another holder has it, or another grant of the same. */
  | ({ readonly change: 'passed'; readonly from: string } & LockRow)
  | ({ readonly change: 'queue' } & LockRow)
  | { readonly change: 'freed'; readonly key: string; readonly ownerId: string };

/** @param before - nothing at the first look */
export function* changesBetween(
  before: ReadonlyMap<string, LockRow> | undefined,
  now: ReadonlyMap<string, LockRow>,
): Generator<LockChange> {
  if (!before) {
    for (const row of now.values()) yield { change: 'held', ...row };
    return;
  }
  for (const { key, ownerId } of before.values()) if (!now.has(key)) yield { change: 'freed', key, ownerId };
  for (const row of now.values()) {
    const former = before.get(row.key);
    if (!former) yield { change: 'acquired', ...row };
    else if (former.ownerId !== row.ownerId || former.fencingToken !== row.fencingToken) {
      yield { change: 'passed', from: former.ownerId, ...row };
    } else if (former.waiting !== row.waiting) yield { change: 'queue', ...row };
  }
}

export function describeChange(change: LockChange): string {
  const key = printable(change.key);
  if (change.change === 'freed') return `freed     ${key}  held by ${printable(change.ownerId)}`;
  const holder = nameOf(change);
  const { waiting, ttl } = change;
  const queue = waiting === null || waiting === 0 ? '' : `, ${count(waiting, 'process waits', 'processes wait')}`;
  const expiry = ttl === null ? 'never expires' : `expires in ${formatDuration(ttl)}`;
  if (change.change === 'queue') return `queue     ${key}  held by ${holder}${queue || ', no process waits'}`;
  if (change.change === 'passed')
    return `passed    ${key}  from ${printable(change.from)} to ${holder}, ${expiry}${queue}`;
  return `${change.change.padEnd(8)}  ${key}  by ${holder}, ${expiry}${queue}`;
}
