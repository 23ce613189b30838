import { LockConfigurationError } from '../../errors/index.js';
import { isWellFormed } from './well-formed.js';

/**
 * As many characters an owner's name may have. It is written at each of its keys. An id that the engine makes fits: the name of
 * an instance may take nine characters for each of its 128, and a label follows.
 */
const LONGEST_OWNER = 2048;

/** @throws LockConfigurationError for what cannot be the name of an owner, or could be taken for another one's */
export function assertOwner(ownerId: unknown): asserts ownerId is string | undefined {
  if (ownerId === undefined) return;
  if (typeof ownerId !== 'string' || ownerId === '') {
    throw new LockConfigurationError('ownerId: an owner must be a string that is not empty.');
  }
  if (ownerId.length > LONGEST_OWNER) {
    throw new LockConfigurationError(
      `ownerId: an owner of ${String(ownerId.length)} characters is too long; ${String(LONGEST_OWNER)} are possible. Give an id, or a hash.`,
    );
  }
  if (!isWellFormed(ownerId)) {
    throw new LockConfigurationError(
      'ownerId: it holds half of a surrogate pair. Stores would take it for another owner: escape it, or leave it out.',
    );
  }
}
