import { expect } from '@jest/globals';
import { LockConfigurationError, type LockingModuleOptions } from '../../lib/index.js';
import type { Applications } from './applications.js';
import { rejectionOf } from './poll.js';

/** The message with which an application that is configured like that does not start. */
export async function refusalOf(applications: Applications, options: unknown): Promise<string> {
  const error = await rejectionOf(applications.withLocks(options as LockingModuleOptions));
  expect(error).toBeInstanceOf(LockConfigurationError);
  return error.message;
}
