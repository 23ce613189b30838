import { resolveCallOptions } from '../../engine/options/call-options.js';
import { parseDuration } from '../../engine/options/duration.js';
import { readEngineSettings } from '../../engine/options/engine-settings.js';
import { isWellFormed } from '../../engine/options/well-formed.js';
import { LockConfigurationError, LockKeyError } from '../../errors/index.js';
import type { Duration, ExecuteOptions } from '../../interfaces/index.js';
import { hash } from './fingerprint.js';
import type { IdempotencyOptions } from './idempotency.interface.js';
import { keyNotUsable, maxSizeNotUsable, notAnOption, onAbandonedNotUsable } from './idempotency.messages.js';

const NAMES = ['ttl', 'wait', 'expire', 'onAbandoned', 'maxSize', 'signal', 'provider'];

const DAY = '24h';

/** What a record holds besides the result is small; together they stay below what a record may have. */
const LARGEST_RESULT = 260_000;

/** The longest key that becomes part of a name as it is, in bytes. */
const LONGEST_KEY = 900;

/** The options of an idempotent run, checked. */
export interface IdempotencySettings {
  readonly ttl: Duration;
  readonly onAbandoned: 'rerun' | 'reject';
  readonly maxSize: number;
  readonly provider: string | undefined;
  readonly execute: ExecuteOptions;
}

/** @throws LockConfigurationError for options that cannot work */
export function readIdempotencyOptions(options: IdempotencyOptions): IdempotencySettings {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(notAnOption(unknown, NAMES));
  const { ttl = DAY, wait = 0, onAbandoned = 'rerun', maxSize = 131_072, expire, signal, provider } = options;
  parseDuration(ttl, 'ttl', { bareUnit: 's', minimum: 1 });
  parseDuration(wait, 'wait');
  if (onAbandoned !== 'rerun' && (onAbandoned as unknown) !== 'reject') {
    throw new LockConfigurationError(onAbandonedNotUsable());
  }
  if (!Number.isSafeInteger(maxSize) || maxSize < 1 || maxSize > LARGEST_RESULT) {
    throw new LockConfigurationError(maxSizeNotUsable(LARGEST_RESULT));
  }
  // Never joined: a call from inside the job is another call, and that the job has been done is known before its release.
  const execute = {
    timeout: wait,
    expire,
    signal,
    provider,
    reentrant: false,
    awaitRelease: false,
    renew: true,
    keyTemplate: 'idempotency:<key>',
  };
  resolveCallOptions(execute, 'job', readEngineSettings());
  return { ttl, onAbandoned, maxSize, provider, execute: Object.freeze(execute) };
}

/** @throws LockKeyError for a key that no store could keep */
export function assertIdempotencyKey(key: unknown): asserts key is string {
  if (typeof key !== 'string' || key === '' || !isWellFormed(key) || key.includes('\0')) {
    throw new LockKeyError(keyNotUsable(), typeof key === 'string' ? [key] : []);
  }
}

/** Before the hash of a long key. */
const HASHED = 'sha256:';

/** How a key appears in the names of its lock and of its record: as it is, or as its hash where it is long, or looks like one. */
export function nameOf(key: string): string {
  return Buffer.byteLength(key) <= LONGEST_KEY && !key.startsWith(HASHED) ? key : HASHED + hash(key);
}
