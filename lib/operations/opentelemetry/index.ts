/**
 * Metrics and traces for OpenTelemetry.
 *
 * @module nestjs-locking/opentelemetry
 */
export type { LockMetricsOptions } from '../metrics/metrics-options.interface.js';
export {
  LockingOpenTelemetryModule,
  type LockingOpenTelemetryOptions,
  type LockSpanOptions,
} from './locking-opentelemetry.module.js';
