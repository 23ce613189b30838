import type { CallKind, FaultRecord, RestRecord, WriteRecord } from './records.js';

/** One call of a worker, from its wish to its end, as the records tell it. */
export interface Call {
  readonly by: string;
  readonly id: number;
  readonly kind: CallKind;
  readonly keys: readonly string[];
  /** Milliseconds. */
  readonly lease: number;
  readonly timeout: number;
  readonly join: number;
  /** When the wait was over, however; `Infinity` if the process ended before. */
  settled: number;
  failure?: { readonly code: string; readonly text: string; readonly at: number };
  hold?: Hold;
}

/** A lock as its holder knew it. */
export interface Hold {
  readonly call: Call;
  /** One per key of the call. */
  readonly tokens: readonly number[];
  /** Before and after the holder first looked at the clock. */
  readonly asked: number;
  readonly from: number;
  /** The last time at which the holder could believe to hold it: its release, its loss, or its local deadline. */
  until: number;
  /** By its last look: when it would cease to trust the lease if nothing more were heard. */
  deadline: number;
  /** When its signal aborted, if it did. */
  lost?: number;
  /** When its job ended, if it did, and what `remaining` said then. */
  ended?: number;
  leftAtEnd?: number;
}

/** Everything that is known of a run. */
export interface History {
  /** Milliseconds; the longest one in use. */
  readonly lease: number;
  readonly calls: readonly Call[];
  readonly writes: readonly WriteRecord[];
  /** In the order in which they began. */
  readonly faults: readonly FaultRecord[];
  /** When processes stood still although nobody had told them to. */
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

/** A name for people, also found in the files of the history. */
export function nameOf({ by, id }: Call): string {
  return `${by}#${id}`;
}

/**
 * When the question was sent that the holder's trust rests on: its grant or its last confirmed renewal. The engine
 * counts a lease from there, less a margin of 1 % and 2 ms.
 */
export function basisOf({ deadline, call }: Hold): number {
  return deadline - call.lease + Math.min(call.lease / 2, call.lease * 0.01 + 2);
}
