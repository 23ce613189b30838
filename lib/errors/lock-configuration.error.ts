import { hasLockErrorCode, LockingError } from './locking.error.js';

/**
 * The module, a provider or a call was configured in a way that cannot work; the message names the remedy. Thrown at
 * start-up for module options, at decoration for a decorator's, and before anything is locked for a call's.
 */
export class LockConfigurationError extends LockingError {
  constructor(message: string, options?: ErrorOptions) {
    super('LOCK_CONFIGURATION', [], message, options);
  }
}

/** Whether `error` says that options were given which cannot work. */
export function isLockConfigurationError(error: unknown): error is LockConfigurationError {
  return hasLockErrorCode(error, 'LOCK_CONFIGURATION');
}
