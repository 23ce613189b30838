import { LockConfigurationError } from '../errors/index.js';
import type { LockingProviderOptions } from '../interfaces/index.js';
import type { BackoffSettings } from './backoff.js';
import { parseDuration } from './duration.js';

/** A provider's common options, checked, in milliseconds. */
export interface EngineSettings {
  readonly waitTimeout: number;
  readonly expire: number;
  readonly drainTimeout: number;
  readonly backoff: BackoffSettings;
}

/** The names of the options that every provider takes. */
export const COMMON_OPTION_NAMES: readonly (keyof LockingProviderOptions)[] = [
  'waitLockingTimeout',
  'defaultRetryInterval',
  'maximumRetryInterval',
  'backoffFactor',
  'expire',
  'drainTimeout',
  'failFast',
];

/** @throws LockConfigurationError for a value that cannot work. */
export function readEngineSettings(options: LockingProviderOptions = {}): EngineSettings {
  return {
    waitTimeout: parseDuration(options.waitLockingTimeout ?? 5, 'waitLockingTimeout'),
    expire: parseDuration(options.expire ?? '30s', 'expire', { bareUnit: 's', minimum: 1 }),
    drainTimeout: parseDuration(options.drainTimeout ?? '10s', 'drainTimeout'),
    backoff: readBackoff(options),
  };
}

function readBackoff(options: LockingProviderOptions): BackoffSettings {
  const rules = { bareUnit: 'ms', minimum: 1 } as const;
  const initial = parseDuration(options.defaultRetryInterval ?? 20, 'defaultRetryInterval', rules);
  const maximum = parseDuration(options.maximumRetryInterval ?? 1000, 'maximumRetryInterval', rules);
  const factor = options.backoffFactor ?? 2;
  if (maximum < initial) {
    throw new LockConfigurationError(
      `maximumRetryInterval (${String(maximum)} ms) is shorter than defaultRetryInterval (${String(initial)} ms). Raise the one or lower the other.`,
    );
  }
  if (typeof factor !== 'number' || !Number.isFinite(factor) || factor < 1) {
    throw new LockConfigurationError(`backoffFactor: ${String(factor)} must be a number from 1 on.`);
  }
  return { initial, maximum, factor };
}
