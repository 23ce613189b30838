import { Logger } from '@nestjs/common';
import type { FoundLocking } from '../find-locking.js';
import { LockMetrics, type Reading } from './lock-metrics.js';
import type { LockTraces, MetricsSink } from './metrics-sink.js';
import type { MetricsSettings } from './read-metrics-options.js';

/**
 * Keeps the metrics of an application until what it returns is called.
 *
 * @param what - the module, as warnings name it
 * @param makeSink - makes what keeps the figures; `read` says what the gauges read now, once for each collection
 * @param traces - to which traces waits and holds belong
 */
export function runMetrics(
  what: string,
  { registry, elections }: FoundLocking,
  settings: MetricsSettings,
  makeSink: (read: () => Promise<readonly Reading[]>) => MetricsSink,
  traces?: LockTraces,
): () => void {
  const logger = new Logger(what);
  const warn = (message: string): void => {
    logger.warn(message);
  };
  const sink = makeSink(async () => metrics.read());
  const metrics: LockMetrics = new LockMetrics({ what, registry, elections, settings, sink, traces, warn });
  metrics.start();
  return () => {
    metrics.stop();
    sink.close();
  };
}
