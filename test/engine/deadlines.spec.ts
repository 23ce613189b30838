import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Deadlines } from '../../lib/engine/wait/deadlines.js';
import { Waiter } from '../../lib/engine/wait/queue.js';
import { ManualClock } from '../../lib/testing/index.js';

interface Timeable {
  deadline: number;
}

const ignore = (): void => undefined;

/** A waiter that counts how often it is compared with others. */
function waiterAt(deadline: number, timeout: number, onRead: () => void = () => undefined): Waiter {
  const waiter = new Waiter(['k'], { timeout } as never, undefined, ignore, ignore);
  Object.defineProperty(waiter satisfies Timeable, 'deadline', {
    get: () => {
      onRead();
      return deadline;
    },
  });
  return waiter;
}

describe('deadlines of waiters', () => {
  it('waits end in time, in whatever order they were added, and leave no timer', async () => {
    const step = fc.record({ at: fc.nat(50), timeout: fc.constantFrom(10, 20), removed: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new ManualClock();
        const start = clock.now();
        const ended: { waiter: Waiter; at: number }[] = [];
        const deadlines = new Deadlines(clock, (waiter) => ended.push({ waiter, at: clock.now() - start }));
        const all = steps.map(({ at, timeout, removed }) => ({
          waiter: waiterAt(start + at + 1, timeout),
          at,
          removed,
        }));
        for (const { waiter } of all) {
          deadlines.add(waiter);
          deadlines.add(waiter);
        }
        for (const { waiter, removed } of all) if (removed) deadlines.remove(waiter);
        for (let tick = 0; tick < 55; tick += 1) await clock.advance('1ms');
        const expected = all.filter(({ removed }) => !removed);
        expect(new Set(ended.map(({ waiter }) => waiter))).toEqual(new Set(expected.map(({ waiter }) => waiter)));
        expect(ended).toHaveLength(expected.length);
        for (const { waiter, at } of expected) expect(ended.find((end) => end.waiter === waiter)?.at).toBe(at + 1);
        expect(clock.pendingTimers).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('adding a deadline costs no more per waiter if thousands of earlier ones are added late', () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock, () => undefined);
    let reads = 0;
    const count = 5000;
    const waiters = Array.from({ length: 2 * count }, (_, index) => waiterAt(1000 + index, 10, () => (reads += 1)));
    // Each second waiter is behind another one and gets its deadline at once; the others get theirs after an answer.
    waiters.forEach((waiter, index) => {
      if (index % 2 === 1) deadlines.add(waiter);
    });
    waiters.forEach((waiter, index) => {
      if (index % 2 === 0) deadlines.add(waiter);
    });
    expect(reads).toBeLessThan(20 * count);
    for (const waiter of waiters) deadlines.remove(waiter);
    expect(clock.pendingTimers).toBe(0);
  });
});
