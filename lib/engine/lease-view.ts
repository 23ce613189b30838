import { LockBackendError } from '../errors/index.js';
import type { LockInfo, StoredLease } from '../interfaces/index.js';
import { callFailed } from './engine.messages.js';
import type { EngineParts } from './engine-parts.js';

/** Every lease in the store that matches, whoever holds it. */
export async function* listLeases({ provider }: EngineParts, match?: string): AsyncGenerator<StoredLease> {
  try {
    yield* provider.list(match);
  } catch (cause) {
    throw new LockBackendError([], callFailed('list', [], cause), { cause });
  }
}

/** A stored lease as users see it. */
export function toLockInfo(stored: StoredLease, { queue }: EngineParts): LockInfo {
  return { ...stored, waiters: queue.count(stored.key) };
}
