import { BLOCKED, BLOCKED_IN_JOB, FROZEN, KILLED, SUSPENDED, SUSPENDED_IN_JOB } from '../history/kinds.js';
import type { FaultRecord } from '../history/records.js';

/** Milliseconds until the next waiter is served once the key is free, or the store can be reached again. */
export const SOON = 1000;

/** The same after a failover, from the election of the new primary on. */
const AFTER_FAILOVER = 2000;

/** A store counts as down after 5 s without an answer; then a dark connection is replaced within 10 s. */
export const LONGEST_DARK = 15_000;

/** Milliseconds that a busy machine may add to any promise before it counts as broken. */
export const SLACK = 2000;

/** A timer may fire a little early, as it is set in whole milliseconds, and times are read one after another. */
export const PRECISION = 5;

/** A call with less time than this, in milliseconds, may get no answer in time from a healthy store. */
export const FAIR_CHANCE = 1000;

/** In leases: a job with a healthy holder takes no longer. */
export const LONGEST_JOB = 2;

/** Faults that stop a holder: waiters must wait for its lease. */
const TAKES_HOLDER: readonly string[] = [KILLED, FROZEN, BLOCKED, BLOCKED_IN_JOB, SUSPENDED, SUSPENDED_IN_JOB];

export interface Promised {
  /** The moment from which it counts, on the clock of the history. */
  readonly anchor: number;
  /** Within how many milliseconds each key must be granted to a waiter. */
  readonly within: number;
}

/** The promise after a fault. */
export function promiseAfter(fault: FaultRecord, lease: number): Promised {
  if (takesHolder(fault)) return { anchor: fault.from, within: lease + SOON };
  if (fault.elected !== undefined) return { anchor: fault.elected, within: AFTER_FAILOVER };
  return { anchor: fault.to, within: SOON };
}

/** Whether the fault stops its victims. */
export function takesHolder({ kind }: FaultRecord): boolean {
  return TAKES_HOLDER.includes(kind);
}

/** Whether it is a fault, not only the record of an order. */
export function isFault({ ordered }: FaultRecord): boolean {
  return ordered !== true;
}
