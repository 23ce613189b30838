import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { schedules, type Schedule } from './steps.js';
import { windUp } from './wind-up.js';
import { World } from './world.js';

/**
 * How many schedules are tried: the same ones in every run of the suite, other ones in a hunt (`MODEL_RUNS=10000`). A
 * failure names its seed and path, for `MODEL_SEED`.
 */
const { MODEL_RUNS, MODEL_SEED = MODEL_RUNS === undefined ? '1' : undefined } = process.env;
const RUNS = Number(MODEL_RUNS ?? 1000);

/** What went wrong in the course of `schedule`. */
async function play({ ordered, steps }: Schedule): Promise<readonly string[]> {
  let state = 1;
  jest.spyOn(Math, 'random').mockImplementation(() => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  });
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    const world = new World(ordered);
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

describe('several processes on one store, whatever happens in between', () => {
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
        fc.asyncProperty(schedules(owners), async (schedule) => {
          expect(await play(schedule)).toEqual([]);
        }),
        { numRuns: RUNS, ...(MODEL_SEED === undefined ? {} : { seed: Number(MODEL_SEED) }) },
      );
    },
    Math.max(30_000, RUNS * 100),
  );
});
