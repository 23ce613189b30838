import type { Call, History, Hold } from '../history/call.js';
import { disturbancesOf, type Disturbances } from './disturbances.js';

/** No call for a lock waits for longer than this, in milliseconds, so older ones are not searched. */
const OLDEST_CALL = 30_000;

/** The events of one key. */
export interface KeyLedger {
  readonly key: string;
  /** The holds in the order of their beginning, without those that were over before they began. */
  readonly holds: readonly Hold[];
  /** The calls in the order of their beginning. */
  readonly calls: readonly Call[];
}

/** A history, sorted for the rules. */
export interface Ledger {
  readonly history: History;
  readonly keys: readonly KeyLedger[];
  readonly disturbances: Disturbances;
  /** The calls by their process and number. */
  readonly callsByName: ReadonlyMap<string, Call>;
}

export function openLedger(history: History): Ledger {
  const keys = new Map<string, { key: string; holds: Hold[]; calls: Call[] }>();
  const callsByName = new Map<string, Call>();
  for (const call of history.calls) {
    callsByName.set(`${call.by}#${call.id}`, call);
    for (const key of call.keys) {
      let ledger = keys.get(key);
      if (!ledger) keys.set(key, (ledger = { key, holds: [], calls: [] }));
      ledger.calls.push(call);
      if (call.hold && call.hold.until > call.hold.from) ledger.holds.push(call.hold);
    }
  }
  for (const { holds } of keys.values()) holds.sort((a, b) => a.from - b.from);
  return { history, keys: [...keys.values()], disturbances: disturbancesOf(history), callsByName };
}

/** The index of the first call of `calls` that may still be under way at `moment`. */
export function firstOpen(calls: readonly Call[], moment: number): number {
  // Candidates of an election, which are few, wait without a limit.
  return calls[0]?.kind === 'leader' ? 0 : firstAfter(calls, moment - OLDEST_CALL, ({ join }) => join);
}

/** The index of the first of `sorted` whose `value` is greater than `limit`. */
export function firstAfter<T>(sorted: readonly T[], limit: number, value: (entry: T) => number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value(sorted[middle]!) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}
