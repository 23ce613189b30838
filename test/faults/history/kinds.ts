/** Kinds of faults that the rules know; others are names for people. */

/** A process was killed, at `from`. */
export const KILLED = 'worker killed';

export const FROZEN = 'worker frozen';

/** The process blocked itself, as ordered. */
export const BLOCKED = 'event loop blocked';
export const BLOCKED_IN_JOB = 'event loop blocked in a job';

/** The machine of a process was suspended, and its monotonic clock with it; the process itself records when. */
export const SUSPENDED = 'machine suspended';
export const SUSPENDED_IN_JOB = 'machine suspended in a job';
