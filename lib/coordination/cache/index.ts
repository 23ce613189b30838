/**
 * Cached values that one instance loads for all.
 *
 * @module nestjs-locking/cache
 */
export { CacheFlight } from './cache-flight.js';
export { CacheFlightModule } from './cache-flight.module.js';
export { CacheLoadTimeoutError } from './cache-load-timeout.error.js';
export { CacheOnce } from './cache-once.decorator.js';
export type {
  CacheChangeOptions,
  CacheFlightOptions,
  CacheLoad,
  CacheLoadOptions,
  CacheLockOptions,
  CacheSetOptions,
} from './cache-options.interface.js';
export type { CacheFlightStore } from './cache-store.interface.js';
