import { BLOCKED, BLOCKED_IN_JOB, FROZEN, KILLED, SUSPENDED, SUSPENDED_IN_JOB } from '../history/kinds.js';
import type { FaultRecord } from '../history/records.js';

/** Where a key is free, or the store can be reached again, the next one goes on within this, in milliseconds. */
export const SOON = 1000;

/** After a failover it has this much, from the election of the new primary on. */
const AFTER_FAILOVER = 2000;

/** A store may take 5 s over an answer before it counts as down; then a dark connection is replaced within 10 s. */
export const LONGEST_DARK = 15_000;

/** What a machine that is busy with other things may add to any promise before it counts as broken. */
export const SLACK = 2000;

/** A timer may fire a little early, as it is set in whole milliseconds, and times are read one after another. */
export const PRECISION = 5;

/** Whoever has less time than this, in milliseconds, may get no answer in time from a store that is well. */
export const FAIR_CHANCE = 1000;

/** In leases: a job with a healthy holder takes no longer. */
export const LONGEST_JOB = 2;

/** Kinds that take a holder from its lock: others have to wait for its lease. */
const TAKES_HOLDER: readonly string[] = [KILLED, FROZEN, BLOCKED, BLOCKED_IN_JOB, SUSPENDED, SUSPENDED_IN_JOB];

export interface Promised {
  /** The moment from which it counts, on the clock of the history. */
  readonly anchor: number;
  /** Within how many milliseconds each key has to be granted to somebody who waits for it. */
  readonly within: number;
}

/** What is promised after a fault. */
export function promiseAfter(fault: FaultRecord, lease: number): Promised {
  if (takesHolder(fault)) return { anchor: fault.from, within: lease + SOON };
  if (fault.elected !== undefined) return { anchor: fault.elected, within: AFTER_FAILOVER };
  return { anchor: fault.to, within: SOON };
}

/** Whether the victims themselves cannot wait for anything. */
export function takesHolder({ kind }: FaultRecord): boolean {
  return TAKES_HOLDER.includes(kind);
}

/** Whether it is a fault, not merely a note that one was ordered. */
export function isFault({ ordered }: FaultRecord): boolean {
  return ordered !== true;
}
