import type { CallKind, FaultRecord, RestRecord, StoredRecord, WriteRecord } from './records.js';

/** One call of a worker, from its beginning to its end, as read from the records. */
export interface Call {
  readonly by: string;
  readonly id: number;
  readonly kind: CallKind;
  readonly keys: readonly string[];
  /** Milliseconds. */
  readonly lease: number;
  readonly timeout: number;
  readonly join: number;
  /** When the wait was over, with or without a lock; `Infinity` if the process ended before. */
  settled: number;
  failure?: { readonly code: string; readonly text: string; readonly at: number };
  hold?: Hold;
}

/** A lock in the view of its holder. */
export interface Hold {
  readonly call: Call;
  /** The tokens, one per key of the call. */
  readonly tokens: readonly number[];
  /** `asked` is just before the holder's first look at the clock, `from` just after it. */
  readonly asked: number;
  readonly from: number;
  /** The last time at which the holder could believe to hold the lock: its release, its loss, or its local deadline. */
  until: number;
  /** By its last look: when it would cease to trust the lease without further answers. */
  deadline: number;
  /** When its signal aborted, if it did. */
  lost?: number;
  /** When its job ended, if it did, and `remaining` at that time. */
  ended?: number;
  leftAtEnd?: number;
}

/** The whole record of a run. */
export interface History {
  /** The longest lease in use, in milliseconds. */
  readonly lease: number;
  readonly calls: readonly Call[];
  readonly writes: readonly WriteRecord[];
  /** What happened to payments and checkpoints, in the order in which it began. */
  readonly records: readonly (StoredRecord & { readonly by: string })[];
  /** The faults, in the order in which they began. */
  readonly faults: readonly FaultRecord[];
  /** When processes stood still without an order. */
  readonly lags: readonly Lag[];
  readonly rest: RestRecord;
}

export interface Lag {
  readonly by: string;
  readonly from: number;
  readonly to: number;
}

export function tokenOf(hold: Hold, key: string): number {
  return hold.tokens[hold.call.keys.indexOf(key)]!;
}

/** The name of a call in messages and in the files of the history. */
export function nameOf({ by, id }: Call): string {
  return `${by}#${id}`;
}

/**
 * When the request was sent that the holder's trust rests on: its grant or its last confirmed renewal. The engine
 * counts a lease from there, less a margin of 1 % and 2 ms.
 */
export function basisOf({ deadline, call }: Hold): number {
  return deadline - call.lease + Math.min(call.lease / 2, call.lease * 0.01 + 2);
}
