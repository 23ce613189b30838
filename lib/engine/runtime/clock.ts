import { clearImmediate, setImmediate } from 'node:timers';
import { Leaps } from './leaps.js';
import { makeInNeutralContext } from './neutral-context.js';

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

/** A timer of Node fires at once beyond this, so the wait is cut: who set it looks at the clock again anyway. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A timer that fires so many milliseconds late found the event loop blocked. */
const LATE = 20;

const leaps = new Leaps(
  () => performance.now(),
  () => Date.now(),
);

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  leapt: (now) => leaps.sum(now),
  epochMicroseconds: () => Date.now() * 1000,
  setTimer(callback, milliseconds, keepAlive) {
    const wait = Math.min(Math.max(0, Math.ceil(milliseconds)), LONGEST_TIMER);
    const due = performance.now() + wait;
    let afterReading: NodeJS.Immediate | undefined;
    // Node runs timers that are due before it reads. Answers that came in time, while the event loop was blocked, count.
    const fire = (): void => {
      if (performance.now() - due < LATE) callback();
      else {
        afterReading = setImmediate(callback);
        if (!keepAlive) afterReading.unref();
      }
    };
    const timer = makeInNeutralContext(setTimeout, fire, wait);
    if (!keepAlive) timer.unref();
    return {
      cancel: () => {
        clearTimeout(timer);
        if (afterReading) clearImmediate(afterReading);
      },
    };
  },
};
