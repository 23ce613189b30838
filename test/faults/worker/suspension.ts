import { now } from '../clock.js';

/**
 * Simulates a suspended machine for one process: nothing runs, the wall clock goes on, and the monotonic clock and its
 * timers stand still. The worker imports this file before anything else, so that all its code reads the clock of this
 * file. The records of the history keep the true time.
 */
const real = { now: performance.now.bind(performance), setTimeout: globalThis.setTimeout };

/** Milliseconds for which this machine has been suspended so far. */
let suspended = 0;

performance.now = () => real.now() - suspended;

function setSuspendableTimeout(
  callback: (...args: unknown[]) => void,
  milliseconds = 0,
  ...args: unknown[]
): NodeJS.Timeout {
  let due = performance.now() + milliseconds;
  const timer: NodeJS.Timeout & { _idleTimeout?: number } = real.setTimeout(() => {
    const early = due - performance.now();
    // Node counts in whole milliseconds: a timer that is early by less was not delayed.
    if (early < 2) {
      due = performance.now() + milliseconds;
      callback(...args);
      return;
    }
    const { _idleTimeout: whole } = timer;
    timer._idleTimeout = Math.ceil(early);
    timer.refresh();
    if (whole !== undefined) timer._idleTimeout = whole;
  }, milliseconds);
  return timer;
}

globalThis.setTimeout = setSuspendableTimeout as typeof setTimeout;

/** Suspends this machine for `ms`. */
export function suspend(ms: number): void {
  const began = now();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  suspended += now() - began;
}
