import { unstartedWork } from '../../engine/lock/unstarted-work.js';
import { LockConfigurationError } from '../../errors/index.js';
import { unstartedMethod } from './leader-election.messages.js';

/** @throws LockConfigurationError for a method that has returned work, which would run whether or not it still leads */
export function assertHandled(label: string, result: unknown): void {
  const work = unstartedWork(result);
  if (work) throw new LockConfigurationError(unstartedMethod(label, work));
}
