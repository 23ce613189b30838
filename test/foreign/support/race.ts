import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Redis } from 'ioredis';

/** Runs a job under the lock. */
type Contender = (job: () => Promise<void>) => Promise<unknown>;

const TASKS = 4;
const ROUNDS = 6;

/** Contenders that have not alternated after so many rounds never will. */
const LONGEST = 200;

/**
 * Every contender, with several tasks at once, increments a counter in the store by reading and writing it. Two tasks
 * in there together would write the same number.
 */
export async function raceForCounter(raw: Redis, contenders: readonly Contender[]): Promise<void> {
  const turns: Contender[] = [];
  let runs = 0;
  let inside = 0;
  let together = 0;

  const increment = async (contender: Contender): Promise<void> => {
    together = Math.max(together, ++inside);
    if (turns.at(-1) !== contender) turns.push(contender);
    const count = Number(await raw.get('counter'));
    // Gives other tasks time to interfere.
    await raw.ping();
    await raw.set('counter', count + 1);
    runs++;
    inside--;
  };

  const task = async (contender: Contender, first: number): Promise<void> => {
    const isRace = (): boolean => turns.length > contenders.length;
    for (let round = 0; round < ROUNDS || (!isRace() && round < LONGEST); round++) {
      // Pauses of different lengths: otherwise a library that polls would run only when the other one has finished.
      await delay((first + round * 7) % 20);
      await contender(() => increment(contender));
    }
  };

  await Promise.all(
    contenders.flatMap((contender, side) =>
      Array.from({ length: TASKS }, (_, index) => task(contender, side + index * 5)),
    ),
  );

  expect(Number(await raw.get('counter'))).toBe(runs);
  expect(runs).toBeGreaterThanOrEqual(contenders.length * TASKS * ROUNDS);
  expect(together).toBe(1);
  // It was a race: contenders alternated.
  expect(turns.length).toBeGreaterThan(contenders.length);
}
