import { LockConfigurationError } from '../../errors/index.js';
import { quote } from '../../errors/quote.js';
import type { AcquireOptions, Duration, ExecuteOptions } from '../../interfaces/index.js';
import { parseDuration } from './duration.js';
import { assertLabel } from './lock-names.js';
import { assertOwner } from './owner-ids.js';
import { readMaxWaiters, readWarnAfter, type EngineSettings } from './engine-settings.js';

/** The options of one call, checked, with every default filled in and every length of time in milliseconds. */
export interface CallOptions {
  readonly timeout: number;
  /** The lease; `null` never expires. */
  readonly ttl: number | null;
  readonly renew: boolean;
  readonly ownerId: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly maxWaiters: number;
  readonly reentrant: boolean;
  readonly maxHold: number;
  readonly minHold: number;
  /** Whether the call of a job ends with the answer to its release. */
  readonly awaitRelease: boolean;
  /** What the lock is called in metrics, traces and events. */
  readonly keyTemplate: string | undefined;
  readonly label: string | undefined;
  /** Whether to take over what the owner holds already, and nothing else. */
  readonly onlyIfOwned?: boolean;
  /** `Infinity` for never. */
  readonly warnAfter: number;
}

/** `job`: held around a job, hence renewed. `handle`: held until the caller releases it. */
export type HoldMode = 'job' | 'handle';

const NAMES = new Set([
  'timeout',
  'expire',
  'ownerId',
  'renew',
  'signal',
  'maxWaiters',
  'provider',
  'reentrant',
  'maxHold',
  'minHold',
  'awaitRelease',
  'keyTemplate',
  'label',
  'warnAfter',
]);

/** It is a label of metrics. */
const LONGEST_TEMPLATE = 256;

/** A `keyTemplate` that this package makes itself, of names of any length. */
export const asKeyTemplate = (text: string): string => text.slice(0, LONGEST_TEMPLATE);

const AT_LEAST_ONE = { bareUnit: 's', minimum: 1 } as const;

/** @throws LockConfigurationError for an option that is unknown or cannot work. */
export function resolveCallOptions(options: ExecuteOptions, mode: HoldMode, settings: EngineSettings): CallOptions {
  assertKnown(options);
  if (mode === 'handle' && options.awaitRelease !== undefined) throw new LockConfigurationError(awaitsItself());
  const { ownerId } = options;
  assertOwner(ownerId);
  assertLabel(options.label);
  const maxHold = options.maxHold === undefined ? Infinity : parseDuration(options.maxHold, 'maxHold', AT_LEAST_ONE);
  for (const name of ['renew', 'reentrant', 'awaitRelease'] as const) assertBoolean(options[name], name);
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new LockConfigurationError('signal: must be an AbortSignal.');
  }
  return {
    timeout: options.timeout === undefined ? settings.waitTimeout : parseDuration(options.timeout, 'timeout'),
    ttl: leaseLength(options, mode, maxHold, settings),
    renew: options.renew ?? (mode === 'job' || (options.expire === undefined && ownerId === undefined)),
    ownerId,
    signal: options.signal,
    maxWaiters: options.maxWaiters === undefined ? settings.maxWaiters : readMaxWaiters(options.maxWaiters),
    reentrant: options.reentrant ?? true,
    maxHold,
    minHold: options.minHold === undefined ? 0 : parseDuration(options.minHold, 'minHold'),
    awaitRelease: options.awaitRelease ?? true,
    keyTemplate: readKeyTemplate(options.keyTemplate),
    label: options.label,
    warnAfter: options.warnAfter === undefined ? settings.warnAfter : readWarnAfter(options.warnAfter),
  };
}

/**
 * Whether a lock needs a lease of its own: one of several keys, or whose owner, length or end is the caller's own. Any other
 * is a share in a lease that this process hands from holder to holder.
 */
export function isSolo(keys: readonly string[], { ownerId, renew, ttl, maxHold, minHold }: CallOptions): boolean {
  return keys.length > 1 || ownerId !== undefined || !renew || ttl === null || maxHold !== Infinity || minHold !== 0;
}

function leaseLength(
  { expire, ownerId, renew }: AcquireOptions,
  mode: HoldMode,
  maxHold: number,
  settings: EngineSettings,
): number | null {
  const neverExpires = mode === 'handle' && expire === undefined && ownerId !== undefined && renew !== true;
  const lease = neverExpires ? Infinity : parseExpire(expire, settings);
  const cut = Math.min(lease, maxHold);
  return cut === Infinity ? null : cut;
}

/** The lease of a call that names `expire`, or the provider's. */
export function parseExpire(expire: Duration | undefined, settings: EngineSettings): number {
  return expire === undefined ? settings.expire : parseDuration(expire, 'expire', AT_LEAST_ONE);
}

function readKeyTemplate(value: string | undefined): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '' && value.length <= LONGEST_TEMPLATE))
    return value;
  throw new LockConfigurationError(
    `keyTemplate: must be a text of 1 to ${String(LONGEST_TEMPLATE)} characters, such as 'order:<id>'.`,
  );
}

function awaitsItself(): string {
  return 'awaitRelease: is for execute and decorated methods. Call lock.release() without await instead.';
}

function assertBoolean(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new LockConfigurationError(`${name}: must be true or false.`);
  }
}

function assertKnown(options: AcquireOptions): void {
  for (const name in options) {
    if (!NAMES.has(name)) {
      throw new LockConfigurationError(
        `${quote(name)} is not an option of a lock. Known are: ${[...NAMES].join(', ')}.`,
      );
    }
  }
}
