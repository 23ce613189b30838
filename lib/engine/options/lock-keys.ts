import { LockKeyError } from '../../errors/index.js';
import {
  halfSurrogate,
  keyTooLong,
  notAKey,
  noKeys,
  ownKey,
  reservedKey,
  tooManyKeys,
  emptyKey,
} from './lock-keys.messages.js';
import { isWellFormed } from './well-formed.js';

/** Keys that begin so belong to the providers themselves (the token counter of a namespace, say). */
export const RESERVED_KEY_PREFIX = 'nestjs-locking:';

/**
 * Keys that begin so are those of leader elections, of scheduled jobs, of idempotent runs and of circuits. Callers from outside cannot take them, whatever
 * a key is made of; operators can look at them and free them.
 */
const OWN_KEY_PREFIXES: readonly string[] = ['leader:', 'cron:', 'interval:', 'idempotency:', 'circuit-breaker:'];

/** The most bytes that a key may have, in UTF-8. */
export const LONGEST_KEY = 65_536;

/** The most keys that one call may lock. One script acquires all of them, and the store serves no other client meanwhile. */
export const MOST_KEYS = 10_000;

/** No character of a string becomes more bytes than that. */
const BYTES_PER_UNIT = 3;

/**
 * The keys of a call as the engine takes them: without duplicates and in one fixed order, so that two callers with the
 * same keys can never wait for each other.
 *
 * @param mayBeOwn - whether this package itself or an operator asks, who may name the keys of elections and jobs
 * @throws LockKeyError for no key at all, too many, or one that is not a usable string.
 */
export function normalizeKeys(keys: string | readonly string[], mayBeOwn = false): readonly string[] {
  if (typeof keys === 'string') {
    assertUsable(keys, mayBeOwn);
    return [keys];
  }
  if (!Array.isArray(keys)) throw new LockKeyError(notAKey(keys));
  if (keys.length === 0) throw new LockKeyError(noKeys());
  if (keys.length > MOST_KEYS) throw new LockKeyError(tooManyKeys(keys.length, MOST_KEYS));
  // Read once: what is checked is what is locked.
  const distinct = [...new Set(keys as readonly string[])];
  for (const key of distinct) assertUsable(key, mayBeOwn);
  return distinct.sort();
}

function assertUsable(key: unknown, mayBeOwn: boolean): asserts key is string {
  if (typeof key !== 'string') throw new LockKeyError(notAKey(key));
  if (key === '') throw new LockKeyError(emptyKey());
  if (key.startsWith(RESERVED_KEY_PREFIX)) throw new LockKeyError(reservedKey(RESERVED_KEY_PREFIX), [key]);
  if (!mayBeOwn) assertNotOwn(key);
  if (!isWellFormed(key)) throw new LockKeyError(halfSurrogate(key), [key]);
  if (isTooLong(key)) throw new LockKeyError(keyTooLong(key, Buffer.byteLength(key), LONGEST_KEY), [key]);
}

function assertNotOwn(key: string): void {
  for (const prefix of OWN_KEY_PREFIXES) {
    if (key.startsWith(prefix)) throw new LockKeyError(ownKey(prefix), [key]);
  }
}

function isTooLong(key: string): boolean {
  return key.length * BYTES_PER_UNIT > LONGEST_KEY && Buffer.byteLength(key) > LONGEST_KEY;
}
