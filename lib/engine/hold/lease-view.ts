import type { LockInfo } from '../../interfaces/index.js';
import type { LeaseStore, StoredLease } from '../../provider-api/index.js';
import type { StoreCalls } from '../store/store-calls.js';
import type { Lease } from './lease.js';

/** Every lease in the store that matches, under any owner. */
export async function* listLeases(
  provider: LeaseStore,
  calls: StoreCalls,
  match?: string,
): AsyncGenerator<StoredLease> {
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
 * A stored lease as users see it. Only this process knows the holder and the token of a lease that is handed from holder
 * to holder here. Another process counts as one waiter, however many wait in it.
 *
 * @param lease - what this process has of the key
 * @param waitersHere - how many wait for it in this process
 */
export function toLockInfo(
  { queue = [], ...stored }: StoredLease,
  processId: string,
  lease: Lease | undefined,
  waitersHere: number,
): LockInfo {
  const waiters = waitersHere + queue.filter((other) => other !== processId).length;
  const grant = lease?.grants[0];
  if (!lease?.shared || lease.ownerId !== stored.ownerId || !grant) return { ...stored, waiters };
  return { ...stored, ownerId: grant.ownerId, fencingToken: lease.token, waiters };
}
