import type { Batch } from '../measure.js';

/** Runs `call` so many times, one after another, each with a number of its own. */
export function inTurn(count: number, call: (i: number) => Promise<unknown>): Batch {
  let next = 0;
  return async () => {
    for (let i = 0; i < count; i++) await call(next++);
    return count;
  };
}

/** Starts `call` so many times, without waiting in between, each with a number of its own. */
export function atOnce(count: number, call: (i: number) => Promise<unknown>): Batch {
  let next = 0;
  return async () => {
    await Promise.all(Array.from({ length: count }, async () => call(next++)));
    return count;
  };
}
