/** Kinds of faults that mean something to those who read a history; the others are names for people. */

/** A process was ended, at `from`. */
export const KILLED = 'worker killed';

export const FROZEN = 'worker frozen';

/** By the process itself, as it was told to. */
export const BLOCKED = 'event loop blocked';
export const BLOCKED_IN_JOB = 'event loop blocked in a job';

/** The machine of a process slept, and its monotonic clock with it; the process writes down itself when. */
export const SUSPENDED = 'machine suspended';
export const SUSPENDED_IN_JOB = 'machine suspended in a job';
