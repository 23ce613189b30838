export {
  type HealthFinding,
  LockingHealthIndicator,
  type LockingHealth,
  type LockingHealthOptions,
  type ProviderHealth,
} from './locking-health.indicator.js';
