import { expect } from '@jest/globals';
import { LockConfigurationError, type LockingModuleOptions } from '../../lib/index.js';
import type { Applications } from './applications.js';
import { rejectionOf } from './poll.js';

/** The error message of an application that does not start with these options. */
export async function refusalOf(applications: Applications, options: unknown): Promise<string> {
  const error = await rejectionOf(applications.withLocks(options as LockingModuleOptions));
  expect(error).toBeInstanceOf(LockConfigurationError);
  return error.message;
}
