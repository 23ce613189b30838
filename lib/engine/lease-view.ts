import type { LockInfo, StoredLease } from '../interfaces/index.js';
import type { EngineParts } from './engine-parts.js';

/** Every lease in the store that matches, whoever holds it. */
export async function* listLeases({ provider, calls }: EngineParts, match?: string): AsyncGenerator<StoredLease> {
  const leases = provider.list(match)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await calls.run('list', [], async () => leases.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a store that has fallen silent would hold up its caller here.
    void leases.return?.().catch(() => undefined);
  }
}

/** A stored lease as users see it. */
export function toLockInfo(stored: StoredLease, { queue }: EngineParts): LockInfo {
  return { ...stored, waiters: queue.count(stored.key) };
}
