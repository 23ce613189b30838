/**
 * A health indicator for @nestjs/terminus.
 *
 * @module nestjs-locking/terminus
 */
export {
  type HealthFinding,
  LockingHealthIndicator,
  type LockingHealth,
  type LockingHealthOptions,
  type ProviderHealth,
} from './locking-health.indicator.js';
