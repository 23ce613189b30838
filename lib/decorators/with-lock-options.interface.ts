import type { LockTimeoutError } from '../errors/index.js';
import type { ExecuteOptions } from '../interfaces/index.js';

/**
 * What a decorated method comes to when its own lock cannot be had in time. `'throw'`: it rejects with the
 * `LockTimeoutError`. `'skip'`: it resolves with `undefined` (an Observable completes empty). A function: it resolves
 * with what that returns for the error and the arguments of the call.
 */
export type OnUnavailable = 'throw' | 'skip' | ((error: LockTimeoutError, ...args: never[]) => unknown);

/** Options of `@WithLock`: those of `execute`, and what to do when the lock cannot be had. */
export interface WithLockOptions extends ExecuteOptions {
  /**
   * Applies to a `LockTimeoutError` of this very lock only, never to one thrown inside the method.
   *
   * @defaultValue 'throw'
   */
  onUnavailable?: OnUnavailable | undefined;
}
