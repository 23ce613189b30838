import type { Clock } from './clock.js';
import { Leaps } from './leaps.js';
import { Timers } from './timers.js';

const leaps = new Leaps(
  () => performance.now(),
  () => Date.now(),
);

const timers = new Timers();

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  leapt: (now) => leaps.sum(now),
  epochMicroseconds: () => Date.now() * 1000,
  setTimer: (callback, milliseconds, keepAlive) => timers.add(callback, milliseconds, keepAlive),
};
