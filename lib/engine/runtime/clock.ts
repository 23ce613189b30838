/** A timer of a {@link Clock}. */
export interface ClockTimer {
  cancel(): void;
}

/** Where the engine takes its time from; a test puts one in that it moves by hand. */
export interface Clock {
  /** Milliseconds that never go back and never jump: not the time of day. They may stand still while a machine sleeps. */
  now(): number;

  /**
   * By how many milliseconds the time of day has leapt ahead of {@link now} so far, in sum: because the machine slept, or
   * because its clock was set. Never fewer than before.
   *
   * @param now - what {@link now} has just said
   */
  leapt(now: number): number;

  /** The time of day in microseconds, for fencing tokens alone. */
  epochMicroseconds(): number;

  /**
   * Calls `callback` once, `milliseconds` from now, outside the async context of the caller.
   *
   * @param keepAlive - whether a process with nothing else to do stays for it
   */
  setTimer(callback: () => void, milliseconds: number, keepAlive: boolean): ClockTimer;
}
