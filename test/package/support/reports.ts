import { expect } from '@jest/globals';
import type { ApplicationRun } from './consumer.js';

/** The output of `formats.js` of an application. */
export interface FormatsReport {
  /** Whether `import` and `require` give the same class. */
  readonly sameClass: boolean;
  /** The file that `require` of the package loads. */
  readonly required: string;
  /** The files that the testing part is loaded from. */
  readonly testing: readonly string[];
}

/** The output of `schedule.js`. */
export const GOOD_SCHEDULE_REPORT = {
  apart: 1000,
  whole: 0,
  keys: ['cron:every-second', 'cron:every-second@tick'],
  registered: ['every-second'],
  intervals: true,
  ran: 1,
};

/** The output of `main.js` if everything worked, without the tokens. */
const GOOD_REPORT = {
  unlockedAtOnce: 10,
  lockedAtOnce: 1,
  errors: {
    busy: ['isLockingError', 'isLockTimeoutError', 'instanceof LockTimeoutError'],
    key: ['isLockingError', 'isLockKeyError'],
    configuration: ['isLockingError', 'isLockConfigurationError'],
  },
  leftBehind: true,
};

/** Expects that the application ended by itself, without a message, and that its locks worked. */
export function expectGoodReport({ code, stderr, report }: ApplicationRun): void {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(report).toMatchObject(GOOD_REPORT);
  const { tokens } = report as { tokens: number[] };
  expect(tokens).toHaveLength(10);
  expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
}
