import type { ExecuteOptions } from '../../interfaces/index.js';

/** Options of `LockingService.singleton` and `@Singleton`: those of `execute` but for what concerns the wait. */
export interface SingletonOptions extends Omit<
  ExecuteOptions,
  'timeout' | 'maxWaiters' | 'reentrant' | 'ownerId' | 'renew' | 'signal'
> {
  /**
   * A call that comes while the job runs in this very process shares its result, or its error. Without it, and always
   * while the job runs in another process, the call is skipped.
   *
   * A call from inside the job, or from one that the job waits for, is skipped all the same: it would wait for itself.
   *
   * @defaultValue false
   */
  join?: boolean | undefined;

  /**
   * Ends this call's wait when aborted: for the lock, and, if it has joined, for the end of the run. The call then
   * rejects with the signal's reason. A job that has begun goes on, and callers that share its run are not concerned:
   * if it fails after the caller that started it has aborted, one of them runs its own job.
   */
  signal?: AbortSignal | undefined;
}
