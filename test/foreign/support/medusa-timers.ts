import timers from 'node:timers/promises';
import { afterAll, beforeAll, jest } from '@jest/globals';

/**
 * `execute` of Medusa leaves the timer of its `timeout` running when the job is done, and the test run would wait for
 * it. With this, no timer of a library keeps the run from ending; they are as long as ever. What imports
 * `setTimeout` by its name, as our own code does, has the one from before.
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
