import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { fixChance } from './chance.js';
import { RUNS, SEED } from '../support/model-runs.js';
import { schedules, type Schedule } from './steps.js';
import { windUp } from './wind-up.js';
import { World } from './world.js';

/** The violations during `schedule`. */
async function play({ ordered, drifting, steps }: Schedule, listening: boolean): Promise<readonly string[]> {
  fixChance();
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    const world = new World({ ordered, drifting, listening });
    const { violations } = world.ledger;
    for (const step of steps) {
      await world.take(step);
      if (violations.length > 0) return violations;
    }
    await windUp(world);
    return [...violations, ...unhandled.map((reason) => `UNHANDLED: ${String(reason)}`)];
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
}

describe.each([
  ['is polled', false],
  ['has lines and wakes up who waits', true],
])('several processes on one store, which %s, whatever happens in between', (_, listening) => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each([
    ['whose owners are their own', false],
    ['some of which share an owner', true],
  ])(
    'exclude each other, take turns, and leave nothing behind: locks %s',
    async (_, owners) => {
      await fc.assert(
        fc.asyncProperty(schedules({ owners, listening }), async (schedule) => {
          expect(await play(schedule, listening)).toEqual([]);
        }),
        { numRuns: RUNS, seed: SEED },
      );
    },
    Math.max(240_000, RUNS * 300),
  );
});
