import { hasLockErrorCode, LockingError } from './locking.error.js';

/**
 * The store could not be asked, or its answer made no sense: the server is down, the password is wrong, the
 * application is shutting down. The key may be free or held. The job was not run.
 *
 * `cause` keeps the error of the store's client.
 */
export class LockBackendError extends LockingError {
  /** `'store'`: the store could not be used. `'shutdown'`: this application is shutting down. */
  readonly reason: 'store' | 'shutdown';

  constructor(
    keys: readonly string[],
    message: string,
    { reason = 'store', ...options }: ErrorOptions & { readonly reason?: 'store' | 'shutdown' } = {},
  ) {
    super('LOCK_BACKEND', keys, message, options);
    this.reason = reason;
  }
}

/** Whether `error` says that the store behind the locks could not be used. */
export function isLockBackendError(error: unknown): error is LockBackendError {
  return hasLockErrorCode(error, 'LOCK_BACKEND');
}
