/**
 * Metrics for Prometheus.
 *
 * @module nestjs-locking/prometheus
 */
export type { LockMetricsOptions } from '../metrics/metrics-options.interface.js';
export { LockingPrometheusModule, type LockingPrometheusOptions } from './locking-prometheus.module.js';
