import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { AcquireOptions } from '../../lib/index.js';
import { fixChance } from './chance.js';
import { Contest, type Contestant } from './contest.js';
import { LONGEST_PAUSE } from './pauses.js';
import { RUNS, SEED } from '../support/model-runs.js';

const PROCESSES = 3;

/** How many pauses a caller of several keys may suffer until it is served, if every message may be lost. */
const MOST_PAUSES = 12;

const contestant: fc.Arbitrary<Contestant> = fc.record({
  process: fc.nat({ max: PROCESSES - 1 }),
  keys: fc.oneof(
    { weight: 5, arbitrary: fc.constant(['a']) },
    { weight: 1, arbitrary: fc.constantFrom(['b'], ['a', 'b'], ['a', 'b'], ['b', 'c'], ['a', 'b', 'c']) },
  ),
  options: fc.constantFrom<AcquireOptions>({}, {}, {}, { expire: '20s' }, { maxHold: '10s' }),
  wavers: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const contestants = fc.array(contestant, { minLength: 2, maxLength: 8 });
/** Nearly all callers want several keys, which overlap. */
const entangled = fc.array(
  fc.record({
    process: fc.nat({ max: PROCESSES - 1 }),
    keys: fc.oneof(
      { weight: 4, arbitrary: fc.subarray(['a', 'b', 'c'], { minLength: 2 }) },
      { weight: 1, arbitrary: fc.constantFrom(['a'], ['b'], ['c']) },
    ),
    options: fc.constantFrom<AcquireOptions>({}, {}, { expire: '20s' }),
    wavers: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  }),
  { minLength: 2, maxLength: 8 },
);
const settings = { numRuns: RUNS, seed: SEED };

/** Plays until all callers are done; returns the longest time on the clock in which no caller was done. */
async function play(contest: Contest, entrants: readonly Contestant[]): Promise<number> {
  fixChance();
  for (const entrant of entrants) contest.enter(entrant);
  let longest = 0;
  let standstill = 0;
  let left = entrants.length;
  for (;;) {
    await contest.playOn();
    if (contest.waiting === 0) break;
    standstill = contest.waiting < left ? 0 : standstill + 50;
    left = contest.waiting;
    longest = Math.max(longest, standstill);
    if (standstill > MOST_PAUSES * LONGEST_PAUSE) break;
    await contest.clock.advance('50ms');
  }
  return longest;
}

describe('requests, answers and messages of several processes in any order', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each([
    ['one key', contestants],
    ['several keys that overlap', entangled],
  ])(
    'all callers are served in order, without the clock, if no message is lost: callers of %s',
    async (_, callers) => {
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), callers, async (scheduler, entrants) => {
          const contest = new Contest(scheduler, PROCESSES, () => false, true);
          const standstill = await play(contest, entrants);
          expect(contest.violations).toEqual([]);
          expect(standstill).toBe(0);
          expect(contest.store.keys()).toEqual([]);
          expect(contest.store.queues.processesIn('a')).toEqual([]);
        }),
        settings,
      );
    },
    Math.max(240_000, RUNS * 300),
  );

  it.each([
    ['one key', contestants],
    ['several keys that overlap', entangled],
  ])(
    'all callers are served in order, without long pauses, whatever messages are lost: callers of %s',
    async (_, callers) => {
      await fc.assert(
        fc.asyncProperty(
          fc.scheduler(),
          callers,
          fc.infiniteStream(fc.boolean()),
          fc.boolean(),
          async (scheduler, entrants, losses, ordered) => {
            const contest = new Contest(scheduler, PROCESSES, () => losses.next().value, ordered);
            const standstill = await play(contest, entrants);
            expect(contest.violations).toEqual([]);
            // The message for each of its keys may be lost, also for keys that it releases and acquires again.
            const pauses = entrants.some(({ keys }) => keys.length > 1) ? MOST_PAUSES : 1;
            expect(standstill).toBeLessThanOrEqual(pauses * LONGEST_PAUSE);
          },
        ),
        settings,
      );
    },
    Math.max(240_000, RUNS * 300),
  );
});
