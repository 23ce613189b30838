import { afterEach, expect, it, jest } from '@jest/globals';
import { Timers } from '../../lib/engine/runtime/timers.js';

/** Timers of one test, and how many timers of Node they have set. */
function make(): { timers: Timers; set: () => number } {
  const spy = jest.spyOn(globalThis, 'setTimeout');
  return { timers: new Timers(), set: () => spy.mock.calls.length };
}

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

it('timers are called in the order in which they are due, however they were added', async () => {
  const clock = jest.spyOn(performance, 'now').mockReturnValue(1000);
  const { timers } = make();
  const rung: number[] = [];
  const delays = [15, 5, 10, 5, 19, 1, 8];
  const rings = delays.map(
    async (delay) =>
      new Promise<void>((resolve) => {
        const ring = (): void => {
          rung.push(delay);
          resolve();
        };
        timers.add(ring, delay, true);
      }),
  );
  clock.mockReturnValue(1019);
  await Promise.all(rings);
  expect(rung).toEqual([1, 5, 5, 8, 10, 15, 19]);
});

it('a cancelled timer is never called', async () => {
  const { timers } = make();
  const rung: number[] = [];
  const all = Array.from({ length: 50 }, (_, index) => {
    const delay = (index * 7) % 50;
    return { delay, timer: timers.add(() => rung.push(delay), delay, true) };
  });
  for (const { delay, timer } of all) if (delay % 3 > 0) timer.cancel();
  await new Promise<void>((resolve) => timers.add(resolve, 60, true));
  // On a busy machine the order may be another one.
  expect(rung.sort((a, b) => a - b)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45, 48]);
});

it('no timer of Node is set for a timer that is due later than another, nor when it is cancelled', () => {
  const { timers, set } = make();
  timers.add(() => undefined, 10_000, false);
  for (let i = 0; i < 1000; i += 1) timers.add(() => undefined, 20_000, true).cancel();
  expect(set()).toBe(1);
  timers.add(() => undefined, 5000, false).cancel();
  expect(set()).toBe(2);
});

it('later timers are called although one throws', async () => {
  jest.useFakeTimers();
  const timers = new Timers();
  let rang = 0;
  timers.add(
    () => {
      throw new Error('of a callback');
    },
    1,
    true,
  );
  timers.add(() => (rang += 1), 2, true);
  expect(() => jest.advanceTimersByTime(1)).toThrow('of a callback');
  jest.advanceTimersByTime(5);
  expect(rang).toBe(1);
});

it('only timers that ask for it keep the process alive', () => {
  const set = jest.spyOn(globalThis, 'setTimeout');
  const timers = new Timers();
  timers.add(() => undefined, 10_000, false);
  const timer = set.mock.results[0]?.value as NodeJS.Timeout;
  expect(timer.hasRef()).toBe(false);
  const kept = [timers.add(() => undefined, 20_000, true), timers.add(() => undefined, 30_000, true)];
  expect(timer.hasRef()).toBe(true);
  kept[0]?.cancel();
  expect(timer.hasRef()).toBe(true);
  kept[1]?.cancel();
  expect(timer.hasRef()).toBe(false);
});

it('a timer that another one adds is called at its time, under fake timers too', () => {
  jest.useFakeTimers();
  const timers = new Timers();
  const rung: string[] = [];
  timers.add(() => rung.push('first'), 100, true);
  const early = (): void => {
    if (performance.now() < 101) timers.add(early, 0, true);
    else rung.push('second');
  };
  timers.add(early, 100, true);
  jest.advanceTimersByTime(100);
  expect(rung).toEqual(['first']);
  jest.advanceTimersByTime(1);
  expect(rung).toEqual(['first', 'second']);
});

it('under fake timers, a test can count and clear our timers; afterwards they are those of the machine again', async () => {
  const timers = new Timers();
  timers.add(() => undefined, 10_000, false);
  jest.useFakeTimers();
  let rang = 0;
  timers.add(() => (rang += 1), 5000, true);
  timers.add(() => (rang += 1), 6000, true).cancel();
  expect(jest.getTimerCount()).toBe(1);
  jest.clearAllTimers();
  timers.add(() => (rang += 1), 20_000, true);
  await jest.advanceTimersByTimeAsync(19_999);
  expect(rang).toBe(0);
  await jest.advanceTimersByTimeAsync(1);
  expect(rang).toBe(1);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
  await new Promise<void>((resolve) => timers.add(resolve, 5, true));
});
