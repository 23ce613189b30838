import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Redis } from 'ioredis';

/** Runs a job under the lock. */
type Contender = (job: () => Promise<void>) => Promise<unknown>;

const TASKS = 4;
const ROUNDS = 6;

/** By then somebody has come back after another had been there, or never will. */
const LONGEST = 200;

/**
 * Every contender, by several tasks at once, adds to a counter in the store what it read there before. Two of them in
 * there together would write the same number.
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
    // Time for the others to get in the way.
    await raw.ping();
    await raw.set('counter', count + 1);
    runs++;
    inside--;
  };

  const task = async (contender: Contender, first: number): Promise<void> => {
    const isRace = (): boolean => turns.length > contenders.length;
    for (let round = 0; round < ROUNDS || (!isRace() && round < LONGEST); round++) {
      // Away for a while, differently long each time: else those who poll would come only when a side has finished.
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
  // It was a race: somebody came back after another had been there.
  expect(turns.length).toBeGreaterThan(contenders.length);
}
