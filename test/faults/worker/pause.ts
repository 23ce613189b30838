import { now } from '../clock.js';
import type { Appender } from '../history/append.js';
import type { WorkerRecord } from '../history/records.js';
import type { Order } from './orders.js';
import { suspend } from './suspension.js';

const LOOK_EVERY = 50;
const WORTH_TELLING = 150;

/** The way in which a worker stands still. */
export type Pause = Omit<Extract<Order, { do: 'block' }>, 'do'>;

/** Stands still without using the CPU: no timer fires and nothing is read. */
export function standStill({ ms, inside, suspended }: Pause, history: Appender<WorkerRecord>): void {
  history.add({ e: 'block', t: now(), ms, inside, suspended });
  if (suspended) suspend(ms);
  else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Records when this process stood still for long without an order. */
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
