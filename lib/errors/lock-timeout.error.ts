import { hasLockErrorCode, LockingError } from './locking.error.js';

/**
 * Another holder had at least one of the keys for as long as the call was prepared to wait, or too many wait for it
 * already (see {@link reason}). Nothing is held and the job was not run; trying again later is safe.
 *
 * @example
 * const stock = await locking.execute('stock:7', take, { timeout: '2s' }).catch((error) => {
 *   if (isLockTimeoutError(error)) return 'busy';
 *   throw error;
 * });
 */
export class LockTimeoutError extends LockingError {
  constructor(
    keys: readonly string[],
    /** How long the call was prepared to wait, in milliseconds. */
    readonly timeout: number,
    message: string,
    /**
     * `'held'`: another holder had a key for as long as the call was prepared to wait. `'queue-full'`: as many callers
     * of this process as `maxWaiters` allows wait for it already, so this one was refused at once. `'deadlock'`: a holder
     * in this process waits for a key that the jobs around this call hold, so neither could go on: refused at once.
     */
    readonly reason: 'held' | 'queue-full' | 'deadlock' = 'held',
  ) {
    super('LOCK_TIMEOUT', keys, message);
  }
}

/** Whether `error` says that another holder had a key. */
export function isLockTimeoutError(error: unknown): error is LockTimeoutError {
  return hasLockErrorCode(error, 'LOCK_TIMEOUT');
}
