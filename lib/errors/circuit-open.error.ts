import { hasLockErrorCode, LockingError } from './locking.error.js';

/**
 * The circuit is open, or half-open with a probe under way: the method was not run. Trying again after
 * {@link retryAfter} is safe.
 *
 * @example
 * const receipt = await payments.charge(order).catch((error) => {
 *   if (isCircuitOpenError(error)) return later(order, error.retryAfter);
 *   throw error;
 * });
 */
export class CircuitOpenError extends LockingError {
  constructor(
    /** The name of the circuit. */
    readonly circuit: string,

    /** `'open'`, or `'half-open'`: another call finds out whether the service is back. */
    readonly state: 'open' | 'half-open',

    /** After how many seconds a call may be let through again, 1 at least; `Infinity` where an operator holds the circuit open. */
    readonly retryAfter: number,

    message: string,
  ) {
    super('CIRCUIT_OPEN', [], message);
  }
}

/** Whether `error` says that a circuit is open. */
export function isCircuitOpenError(error: unknown): error is CircuitOpenError {
  return hasLockErrorCode(error, 'CIRCUIT_OPEN');
}
