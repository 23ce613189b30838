import { hasLockErrorCode, LockingError } from './locking.error.js';

/**
 * The lock ended before its holder gave it up: the lease ran out, the store forgot it, or it was forced free.
 * It is the `reason` of an aborted `lock.signal`, and what `execute` rejects with once the job has come to its end, or
 * instead of the job where the lock was lost before that began.
 *
 * @example
 * if (isLockLostError(error) && error.outcome?.status === 'fulfilled') {
 *   await undo(error.outcome.value);
 * }
 */
export class LockLostError extends LockingError {
  constructor(
    keys: readonly string[],
    message: string,
    /**
     * What the job came to although its lock was gone, as `Promise.allSettled` would tell it. `undefined` where no
     * job was run underneath, and in the `reason` of a signal, which is raised while the job still runs.
     */
    readonly outcome?: PromiseSettledResult<unknown>,

    /** Whether the lock was lost before its job began: the job was not run, and trying again is safe. */
    readonly notRun = false,
  ) {
    super('LOCK_LOST', keys, message);
  }
}

/** Whether `error` says that a lock was lost while it was needed. */
export function isLockLostError(error: unknown): error is LockLostError {
  return hasLockErrorCode(error, 'LOCK_LOST');
}
