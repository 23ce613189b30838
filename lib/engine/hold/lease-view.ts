import type { LockInfo, StoredLease } from '../../interfaces/index.js';
import type { EngineParts } from '../engine-parts.js';

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

/**
 * A stored lease as users see it. Who has a lease that is handed from holder to holder here, and with which token, only
 * this process knows. Whoever waits in another one counts as one per process.
 */
export function toLockInfo({ line = [], ...stored }: StoredLease, { lines, address }: EngineParts): LockInfo {
  const lease = lines.lease(stored.key);
  const grant = lease?.grants[0];
  const others = line.filter((other) => other !== address).length;
  const waiters = lines.waiting(stored.key) + others;
  if (!lease?.shared || lease.ownerId !== stored.ownerId || !grant) return { ...stored, waiters };
  return { ...stored, ownerId: grant.ownerId, fencingToken: lease.token, waiters };
}
