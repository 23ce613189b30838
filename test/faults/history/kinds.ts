/** Kinds of faults that mean something to those who read a history; the others are names for people. */

/** A process was ended, at `from`. */
export const KILLED = 'worker killed';

export const FROZEN = 'worker frozen';

/** By the process itself, as it was told to. */
export const BLOCKED = 'event loop blocked';
export const BLOCKED_IN_JOB = 'event loop blocked in a job';
