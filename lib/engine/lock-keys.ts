import { LockKeyError } from '../errors/index.js';

/** Keys that begin so belong to the providers themselves (the token counter of a namespace, say). */
export const RESERVED_KEY_PREFIX = 'nestjs-locking:';

/**
 * The keys of a call as the engine takes them: without duplicates and in one fixed order, so that two callers with the
 * same keys can never wait for each other.
 *
 * @throws LockKeyError for no key at all, or one that is not a usable string.
 */
export function normalizeKeys(keys: string | readonly string[]): readonly string[] {
  if (typeof keys === 'string') {
    assertUsable(keys);
    return [keys];
  }
  if (!Array.isArray(keys)) throw new LockKeyError(`A lock key must be a string, not ${nameType(keys)}.`);
  if (keys.length === 0)
    throw new LockKeyError('No key was given to lock. Give a string, or an array of at least one.');
  for (const key of keys) assertUsable(key);
  return [...new Set(keys as readonly string[])].sort();
}

function assertUsable(key: unknown): asserts key is string {
  if (typeof key !== 'string') throw new LockKeyError(`A lock key must be a string, not ${nameType(key)}.`);
  if (key === '') throw new LockKeyError('A lock key must not be empty.');
  if (key.startsWith(RESERVED_KEY_PREFIX)) {
    throw new LockKeyError(
      `Keys that begin with "${RESERVED_KEY_PREFIX}" belong to this package: choose another prefix.`,
      [key],
    );
  }
  if (!isWellFormed(key)) {
    throw new LockKeyError(
      'A lock key holds half of a surrogate pair. Stores would merge it with other keys: escape it, or leave it out.',
      [key],
    );
  }
}

/** Which Node 20 has and the ES2023 types lack. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

function nameType(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}
