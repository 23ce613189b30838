/**
 * Tests without a store and without waiting.
 *
 * @module nestjs-locking/testing
 */
export { LockingTestingModule, type LockingTestingModuleOptions } from './locking-testing.module.js';
export { LockingTestControl, type HoldElsewhereOptions } from './locking-test-control.js';
export { ManualClock } from './manual-clock.js';
export {
  describeLockingProvider,
  type ConformanceOptions,
  type ConformanceRunner,
} from './conformance/describe-locking-provider.js';
export type { Capability, ProviderUnderTest } from './conformance/provider-under-test.js';
