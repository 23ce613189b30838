import timers from 'node:timers/promises';
import { afterAll, beforeAll, jest } from '@jest/globals';

/**
 * `execute` of Medusa leaves the timer of its `timeout` running when the job is done, and the test run would wait for
 * it. With this, no timer of a library keeps the process alive; their lengths do not change. Code that imports
 * `setTimeout` by its name, like ours, is not affected.
 */
export function useTimersThatKeepNothingAlive(): void {
  const { setTimeout } = timers;
  beforeAll(() => {
    jest
      .spyOn(timers, 'setTimeout')
      .mockImplementation((delay, value, options) => setTimeout(delay, value, { ...options, ref: false }));
  });
  afterAll(() => {
    jest.restoreAllMocks();
  });
}
