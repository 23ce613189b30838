import { LockConfigurationError } from '../../errors/index.js';
import type { Duration, LockingProviderOptions } from '../../interfaces/index.js';
import { parseDuration } from './duration.js';

/** How a held key is polled: see `defaultRetryInterval`, `maximumRetryInterval` and `backoffFactor`. */
export interface BackoffSettings {
  readonly initial: number;
  readonly maximum: number;
  readonly factor: number;
}

/** A provider's common options, checked, in milliseconds. */
export interface EngineSettings {
  readonly waitTimeout: number;
  readonly expire: number;
  readonly drainTimeout: number;
  /** `Infinity` without a limit. */
  readonly maxWaiters: number;
  /** After how long a lock that is waited for or held is warned of; `Infinity` for never. */
  readonly warnAfter: number;
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
  'maxWaiters',
  'failFast',
  'warnAfter',
];

/** @throws LockConfigurationError for a value that cannot work. */
export function readEngineSettings({
  waitLockingTimeout = 5,
  expire = '30s',
  drainTimeout = '10s',
  maxWaiters = Infinity,
  warnAfter = false,
  ...options
}: LockingProviderOptions = {}): EngineSettings {
  return {
    waitTimeout: parseDuration(waitLockingTimeout, 'waitLockingTimeout'),
    expire: parseDuration(expire, 'expire', { bareUnit: 's', minimum: 1 }),
    drainTimeout: parseDuration(drainTimeout, 'drainTimeout'),
    maxWaiters: readMaxWaiters(maxWaiters),
    warnAfter: readWarnAfter(warnAfter),
    backoff: readBackoff(options),
  };
}

/** @throws LockConfigurationError for anything but a whole number from 1 on, or `Infinity` */
export function readMaxWaiters(value: number): number {
  if (value === Infinity || (Number.isSafeInteger(value) && value >= 1)) return value;
  throw new LockConfigurationError(
    `maxWaiters: ${typeof value === 'number' ? String(value) : `a value of type ${typeof value}`} must be a whole number from 1 on, or Infinity for no limit. For a call that is not to wait at all, set timeout: 0.`,
  );
}

/** @throws LockConfigurationError for anything but a length of time, or `false` for never */
export function readWarnAfter(value: Duration | false): number {
  return value === false ? Infinity : parseDuration(value, 'warnAfter', { bareUnit: 's', minimum: 1 });
}

function readBackoff({
  defaultRetryInterval = 20,
  maximumRetryInterval = 1000,
  backoffFactor: factor = 2,
}: LockingProviderOptions): BackoffSettings {
  const rules = { bareUnit: 'ms', minimum: 1 } as const;
  const initial = parseDuration(defaultRetryInterval, 'defaultRetryInterval', rules);
  const maximum = parseDuration(maximumRetryInterval, 'maximumRetryInterval', rules);
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
