import { hasLockErrorCode, LockingError } from './locking.error.js';

/**
 * A key cannot be used: it is empty, a placeholder of its template has no usable value, or the template itself is
 * malformed. Thrown before anything is locked.
 */
export class LockKeyError extends LockingError {
  /** Where a placeholder found no usable value, such as `0.lines[3].sku` or `body.cart.id`. */
  declare readonly path?: string;

  constructor(message: string, keys: readonly string[] = [], options?: ErrorOptions & { path?: string | undefined }) {
    super('LOCK_KEY', keys, message, options);
    if (options?.path !== undefined) this.path = options.path;
  }
}

/** Whether `error` says that a key or a key template is unusable. */
export function isLockKeyError(error: unknown): error is LockKeyError {
  return hasLockErrorCode(error, 'LOCK_KEY');
}
