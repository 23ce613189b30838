import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError } from '../../errors/index.js';
import { BUCKETS } from './metric-definitions.js';
import { badBuckets, badMaxTemplates, noOptions, notAMetricsOption } from './metrics.messages.js';
import type { LockMetricsOptions } from './metrics-options.interface.js';

const DEFAULT_TEMPLATES = 200;

/** {@link LockMetricsOptions}, checked, with every default filled in; the time in milliseconds. */
export interface MetricsSettings {
  readonly buckets: readonly number[];
  readonly maxTemplates: number;
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
  if (typeof options !== 'object' || (options as object | null) === null)
    throw new LockConfigurationError(noOptions(what));
  const known = ['buckets', 'maxTemplates', 'probeTimeout', ...names];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(notAMetricsOption(what, unknown, known));
  const { buckets = BUCKETS, maxTemplates = DEFAULT_TEMPLATES, probeTimeout = '1s' } = options;
  if (!isAscending(buckets)) throw new LockConfigurationError(badBuckets(what));
  if (!Number.isSafeInteger(maxTemplates) || maxTemplates < 1) throw new LockConfigurationError(badMaxTemplates(what));
  const milliseconds = parseDuration(probeTimeout, `${what}: probeTimeout`, { bareUnit: 's', minimum: 1 });
  return { buckets: [...buckets], maxTemplates, probeTimeout: milliseconds };
}

function isAscending(buckets: unknown): buckets is readonly number[] {
  if (!Array.isArray(buckets) || buckets.length === 0) return false;
  const numbers = buckets as unknown[];
  return numbers.every((bound, index) => {
    const before = index === 0 ? 0 : numbers[index - 1];
    return typeof bound === 'number' && Number.isFinite(bound) && bound > (before as number);
  });
}
