import type { Duration } from '../../interfaces/index.js';

/** What both entry points for metrics know. */
export interface LockMetricsOptions {
  /**
   * The bounds of the histograms of waits, holds and store calls, in seconds, ascending.
   *
   * @defaultValue 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
   */
  buckets?: readonly number[] | undefined;

  /**
   * How many key templates have time series of their own; those above are counted as `(other)`. A number from 1 on.
   *
   * @defaultValue 200
   */
  maxTemplates?: number | undefined;

  /**
   * How many scheduled jobs, elections and queues have time series of their own, each kind for itself; those above are
   * counted as `(other)`. A number from 1 on.
   *
   * @defaultValue 200
   */
  maxNames?: number | undefined;

  /**
   * How long a collection waits for the answer of a store, before that counts as down. A number is seconds.
   *
   * @defaultValue '1s'
   */
  probeTimeout?: Duration | undefined;
}
