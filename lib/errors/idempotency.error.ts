import { hasLockErrorCode, LockingError } from './locking.error.js';

/**
 * Why an idempotent job was not run, or its result is not known: `'in-progress'`: another call with the key runs it.
 * `'mismatch'`: the key stands for another payload. `'abandoned'`: an earlier call ended without a result, and
 * `onAbandoned` is `'reject'`. `'not-replayable'`: the job was done, but its result could not be kept. `'not-stored'`: the
 * job was run by this call, and the store could not keep its result.
 */
export type IdempotencyErrorReason = 'in-progress' | 'mismatch' | 'abandoned' | 'not-replayable' | 'not-stored';

/**
 * A call under an idempotency key that has no result to give; {@link reason} says why. The job was not run by this call,
 * except with `'not-stored'`.
 *
 * @example
 * try {
 *   return await idempotency.run(`charge:${order.id}`, order, () => charge(order));
 * } catch (error) {
 *   if (isIdempotencyError(error) && error.reason === 'in-progress') return tryAgainIn(error.retryAfter);
 *   throw error;
 * }
 */
export class IdempotencyError extends LockingError {
  /** With `'in-progress'` and `'not-stored'`: after how many seconds to try again. */
  readonly retryAfter: number | undefined;

  constructor(
    key: string,
    readonly reason: IdempotencyErrorReason,
    message: string,
    { retryAfter, ...options }: ErrorOptions & { readonly retryAfter?: number } = {},
  ) {
    super('IDEMPOTENCY', [key], message, options);
    this.retryAfter = retryAfter;
  }
}

/** Whether `error` says that a call under an idempotency key has no result. */
export function isIdempotencyError(error: unknown): error is IdempotencyError {
  return hasLockErrorCode(error, 'IDEMPOTENCY');
}
