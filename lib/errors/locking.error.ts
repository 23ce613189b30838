/** The `code` of every error of this package; stable, for logs and for `switch`. */
export type LockErrorCode =
  'LOCK_TIMEOUT' | 'LOCK_LOST' | 'LOCK_BACKEND' | 'LOCK_KEY' | 'LOCK_CONFIGURATION' | 'IDEMPOTENCY' | 'CIRCUIT_OPEN';

/** Written out, as a minifier renames classes. */
const NAMES: Readonly<Record<LockErrorCode, string>> = {
  LOCK_TIMEOUT: 'LockTimeoutError',
  LOCK_LOST: 'LockLostError',
  LOCK_BACKEND: 'LockBackendError',
  LOCK_KEY: 'LockKeyError',
  LOCK_CONFIGURATION: 'LockConfigurationError',
  IDEMPOTENCY: 'IdempotencyError',
  CIRCUIT_OPEN: 'CircuitOpenError',
};

/** Shared by every loaded copy of this package, so that a guard also knows an error made by the other module format. */
const BRAND = Symbol.for('nestjs-locking.error');

/**
 * The base of every error this package throws itself. A job's own errors are never wrapped in it.
 *
 * @example
 * try {
 *   await locking.execute('order:42', pay);
 * } catch (error) {
 *   if (isLockingError(error)) logger.warn(`${error.code} on ${error.keys.join(', ')}`);
 *   throw error;
 * }
 */
export abstract class LockingError extends Error {
  /** What kind of failure this is, in a form that survives logging. */
  readonly code: LockErrorCode;

  /** The keys the failed call was about, without the provider's namespace; empty where no key was involved. */
  readonly keys: readonly string[];

  protected constructor(code: LockErrorCode, keys: readonly string[], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = NAMES[code];
    this.code = code;
    this.keys = [...keys];
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Whether `error` is any error of this package. */
export function isLockingError(error: unknown): error is LockingError {
  return typeof error === 'object' && error !== null && BRAND in error;
}

/** @internal The guards of the single errors differ by their code alone. */
export function hasLockErrorCode(error: unknown, code: LockErrorCode): boolean {
  return isLockingError(error) && error.code === code;
}
