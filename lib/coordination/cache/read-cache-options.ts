import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError, LockKeyError } from '../../errors/index.js';
import type { Duration } from '../../interfaces/index.js';
import type {
  CacheFlightOptions,
  CacheLoadOptions,
  CacheLockOptions,
  CacheSetOptions,
} from './cache-options.interface.js';
import {
  betaNotUsable,
  keyNotUsable,
  reservedCacheKey,
  lockFailureNotUsable,
  notAnOption,
  notFunction,
  optionsNotObject,
  prefixNotString,
  providerNotId,
  ttlMissing,
} from './cache.messages.js';

/** {@link CacheLockOptions}, checked, in milliseconds. */
export interface LockSettings {
  readonly onLockFailure: 'load' | 'throw';
  readonly expire: number;
  readonly timeout: number;
  readonly provider: string | undefined;
}

/** {@link CacheSetOptions}, checked, in milliseconds. */
export interface SetSettings extends LockSettings {
  readonly ttl: number;
  readonly staleFor: number;
}

/** {@link CacheLoadOptions}, checked, in milliseconds. */
export interface LoadSettings extends SetSettings {
  readonly beta: number;
  readonly negativeTtl: number | false;
  readonly loadTimeout: number;
}

/** What concerns the cache and not a call of it. */
export interface CacheSettings {
  readonly prefix: string;
  readonly cacheTimeout: number;
  readonly now: () => number;
  readonly random: () => number;
}

const LOCK_NAMES = ['onLockFailure', 'expire', 'timeout', 'provider'];
const SET_NAMES = [...LOCK_NAMES, 'ttl', 'staleFor'];
const LOAD_NAMES = [...SET_NAMES, 'beta', 'negativeTtl', 'loadTimeout'];
const ALL_NAMES = [...LOAD_NAMES, 'store', 'prefix', 'cacheTimeout', 'now', 'random'];

const POSITIVE = { bareUnit: 's', minimum: 1 } as const;

/** The longest that a timer waits, in milliseconds: 24 days. Timers for longer times would end at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** @throws LockConfigurationError for options that cannot work */
export function readCacheSettings(options: CacheFlightOptions): CacheSettings {
  assertKnown(options, ALL_NAMES);
  const { prefix = '', cacheTimeout = '1s', now = Date.now, random = Math.random } = options;
  if (typeof (prefix as unknown) !== 'string') throw new LockConfigurationError(prefixNotString());
  for (const [name, value] of Object.entries({ now, random })) {
    if (typeof (value as unknown) !== 'function') throw new LockConfigurationError(notFunction(name));
  }
  readLoadOptions({ ttl: options.ttl ?? '1s' }, options);
  return { prefix, cacheTimeout: parseTimer(cacheTimeout, 'cacheTimeout'), now, random };
}

/** @throws LockConfigurationError for options that cannot work */
export function readLockOptions(options: CacheLockOptions, defaults: CacheLockOptions): LockSettings {
  assertKnown(options, LOCK_NAMES);
  const onLockFailure = options.onLockFailure ?? defaults.onLockFailure ?? 'load';
  const provider = options.provider ?? defaults.provider;
  if (!['load', 'throw'].includes(onLockFailure)) throw new LockConfigurationError(lockFailureNotUsable());
  if (provider !== undefined && (typeof (provider as unknown) !== 'string' || provider === '')) {
    throw new LockConfigurationError(providerNotId());
  }
  return {
    onLockFailure,
    provider,
    expire: parseDuration(options.expire ?? defaults.expire ?? '10s', 'expire', POSITIVE),
    timeout: parseDuration(options.timeout ?? defaults.timeout ?? '30s', 'timeout'),
  };
}

/** @throws LockConfigurationError for options that cannot work */
export function readSetOptions(options: CacheSetOptions, defaults: CacheSetOptions): SetSettings {
  assertKnown(options, SET_NAMES);
  const { ttl = defaults.ttl, staleFor = defaults.staleFor ?? 0, ...lock } = options;
  if (ttl === undefined) throw new LockConfigurationError(ttlMissing());
  return {
    ...readLockOptions(lock, defaults),
    ttl: parseDuration(ttl, 'ttl', POSITIVE),
    staleFor: parseDuration(staleFor, 'staleFor'),
  };
}

/** @throws LockConfigurationError for options that cannot work */
export function readLoadOptions(options: CacheLoadOptions, defaults: CacheLoadOptions): LoadSettings {
  assertKnown(options, LOAD_NAMES);
  const {
    beta = defaults.beta ?? 0,
    negativeTtl = defaults.negativeTtl,
    loadTimeout = defaults.loadTimeout ?? '30s',
    ...set
  } = options;
  if (!Number.isFinite(beta) || beta < 0) throw new LockConfigurationError(betaNotUsable(beta));
  const settings = readSetOptions(set, defaults);
  const negative = negativeTtl === undefined || negativeTtl === false ? negativeTtl : parse(negativeTtl);
  return {
    ...settings,
    beta,
    negativeTtl: negative ?? settings.ttl,
    loadTimeout: parseTimer(loadTimeout, 'loadTimeout'),
  };
}

/** What the keys begin with that stand in the cache for no value of a caller. */
export const OWN_CACHE_KEYS = 'nestjs-locking:';

/** @throws LockKeyError for what is no key, and for a key of this package */
export function assertCacheKey(key: unknown): asserts key is string {
  if (typeof key !== 'string' || key === '') throw new LockKeyError(keyNotUsable());
  if (key.startsWith(OWN_CACHE_KEYS)) throw new LockKeyError(reservedCacheKey(OWN_CACHE_KEYS));
}

function parse(negativeTtl: Exclude<CacheLoadOptions['negativeTtl'], false | undefined>): number {
  return parseDuration(negativeTtl, 'negativeTtl', POSITIVE);
}

function parseTimer(value: Duration, option: string): number {
  return Math.min(parseDuration(value, option, POSITIVE), LONGEST_TIMER);
}

function assertKnown(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || (options as object | null) === null) {
    throw new LockConfigurationError(optionsNotObject());
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(notAnOption(unknown, known));
}
