import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError } from '../../errors/index.js';
import { maxHoldWithOverlap, nameMissing, notBoolean, providerNotId } from './schedule.messages.js';
import type { TickOptions } from './tick-options.interface.js';

/** {@link TickOptions}, checked, with every default filled in and every length of time in milliseconds. */
export interface TickSettings {
  readonly provider: string | undefined;
  readonly expire: number;
  readonly clockSkew: number;
  readonly takeOver: boolean;
  readonly allowOverlap: boolean;
  readonly maxHold: number | undefined;
}

const AT_LEAST_ONE = { bareUnit: 's', minimum: 1 } as const;

/** @throws LockConfigurationError for options that cannot work */
export function readTickOptions(what: string, options: TickOptions): TickSettings {
  const { provider, expire = '30s', clockSkew = '30s', takeOver = true, allowOverlap = false, maxHold } = options;
  for (const [name, value] of Object.entries({ takeOver, allowOverlap })) {
    if (typeof (value as unknown) !== 'boolean') throw new LockConfigurationError(notBoolean(what, name));
  }
  if (provider !== undefined && (typeof (provider as unknown) !== 'string' || provider === '')) {
    throw new LockConfigurationError(providerNotId(what));
  }
  if (maxHold !== undefined && allowOverlap) throw new LockConfigurationError(maxHoldWithOverlap(what));
  return {
    provider,
    expire: parseDuration(expire, `${what}: expire`, AT_LEAST_ONE),
    clockSkew: parseDuration(clockSkew, `${what}: clockSkew`, AT_LEAST_ONE),
    takeOver,
    allowOverlap,
    maxHold: maxHold === undefined ? undefined : parseDuration(maxHold, `${what}: maxHold`, AT_LEAST_ONE),
  };
}

/** @throws LockConfigurationError for what is no name of a job */
export function assertName(what: string, name: unknown): asserts name is string {
  if (typeof name !== 'string' || name.trim() === '') throw new LockConfigurationError(nameMissing(what));
}
