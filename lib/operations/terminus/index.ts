export {
  LockingHealthIndicator,
  type LockingHealth,
  type LockingHealthOptions,
  type ProviderHealth,
} from './locking-health.indicator.js';
