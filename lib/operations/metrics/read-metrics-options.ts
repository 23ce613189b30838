import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError } from '../../errors/index.js';
import { assertOptions } from '../read-options.js';
import { BUCKETS } from './metric-definitions.js';
import type { LabelLimits } from './metric-labels.js';
import { badBuckets, notACount } from './metrics.messages.js';
import type { LockMetricsOptions } from './metrics-options.interface.js';

const DEFAULT_LIMIT = 200;

/** {@link LockMetricsOptions}, checked, with every default filled in; the time in milliseconds. */
export interface MetricsSettings extends LabelLimits {
  readonly buckets: readonly number[];
  readonly probeTimeout: number;
}

/**
 * @param names - the options that `what` knows beside these
 * @throws LockConfigurationError for an option that is unknown or cannot work
 */
export function readMetricsOptions(
  what: string,
  options: LockMetricsOptions,
  names: readonly string[],
): MetricsSettings {
  const own = ['buckets', 'maxTemplates', 'maxNames', 'probeTimeout'];
  assertOptions(what, options, [...own, ...names], '{ maxTemplates: 100 }');
  const { buckets = BUCKETS, maxTemplates = DEFAULT_LIMIT, maxNames = DEFAULT_LIMIT, probeTimeout = '1s' } = options;
  if (!isAscending(buckets)) throw new LockConfigurationError(badBuckets(what));
  for (const [option, value] of Object.entries({ maxTemplates, maxNames })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new LockConfigurationError(notACount(what, option));
  }
  const milliseconds = parseDuration(probeTimeout, `${what}: probeTimeout`, { bareUnit: 's', minimum: 1 });
  return { buckets: [...buckets], maxTemplates, maxNames, probeTimeout: milliseconds };
}

function isAscending(buckets: unknown): buckets is readonly number[] {
  if (!Array.isArray(buckets) || buckets.length === 0) return false;
  const numbers = buckets as unknown[];
  return numbers.every((bound, index) => {
    const before = index === 0 ? 0 : numbers[index - 1];
    return typeof bound === 'number' && Number.isFinite(bound) && bound > (before as number);
  });
}
