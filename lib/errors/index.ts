export { isLockingError, LockingError, type LockErrorCode } from './locking.error.js';
export { isLockTimeoutError, LockTimeoutError } from './lock-timeout.error.js';
export { isLockLostError, LockLostError } from './lock-lost.error.js';
export { isLockBackendError, LockBackendError } from './lock-backend.error.js';
export { isLockKeyError, LockKeyError } from './lock-key.error.js';
export { isLockConfigurationError, LockConfigurationError } from './lock-configuration.error.js';
export { IdempotencyError, isIdempotencyError, type IdempotencyErrorReason } from './idempotency.error.js';
export { CircuitOpenError, isCircuitOpenError } from './circuit-open.error.js';
