import { now } from '../clock.js';
import type { Appender } from '../history/append.js';
import type { WorkerRecord } from '../history/records.js';

const LOOK_EVERY = 50;
const WORTH_TELLING = 150;

/** Stands still, without wearing out the machine: no timer fires and nothing is read. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Writes down when this process stood still for long: then others cannot have expected an answer of it. */
export function watchLags(history: Appender<WorkerRecord>): NodeJS.Timeout {
  let last = now();
  const timer = setInterval(() => {
    const t = now();
    const ms = t - last - LOOK_EVERY;
    if (ms > WORTH_TELLING) history.add({ e: 'lag', t, ms });
    last = t;
  }, LOOK_EVERY);
  return timer.unref();
}
