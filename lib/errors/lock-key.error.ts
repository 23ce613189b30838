import { hasLockErrorCode, LockingError } from './locking.error.js';

/**
 * A key cannot be used: it is empty, a placeholder of its template has no usable value, or the template itself is
 * malformed. Thrown before anything is locked.
 */
export class LockKeyError extends LockingError {
  constructor(message: string, keys: readonly string[] = [], options?: ErrorOptions) {
    super('LOCK_KEY', keys, message, options);
  }
}

/** Whether `error` says that a key or a key template is unusable. */
export function isLockKeyError(error: unknown): error is LockKeyError {
  return hasLockErrorCode(error, 'LOCK_KEY');
}
