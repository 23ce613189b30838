import type { LockInfo } from '../../interfaces/index.js';
import type { LeaseStore, StoredLease } from '../../provider-api/index.js';
import { instanceOfProcess, readOwner } from '../options/lock-names.js';
import type { StoreCalls } from '../store/store-calls.js';
import type { Lease } from './lease.js';

/** Of a lock of other software. */
const UNKNOWN = { instanceId: null, label: null };

/** What the store knows of a lease. */
export type StoredHolder = Pick<StoredLease, 'ownerId' | 'fencingToken'>;

const stored = new WeakMap<object, StoredHolder>();

/**
 * What the store knows of a lease that was shown under another owner or token: one that this process hands from holder to
 * holder. `undefined` for every other.
 */
export function storedHolderOf(shown: object): StoredHolder | undefined {
  return stored.get(shown);
}

/** Notes that for `shown`. */
export function noteStoredHolder<Shown extends object>(shown: Shown, holder: StoredHolder): Shown {
  stored.set(shown, holder);
  return shown;
}

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
  { queue = [], ...found }: StoredLease,
  processId: string,
  lease: Lease | undefined,
  waitersHere: number,
): LockInfo {
  const waiters = waitersHere + queue.filter((other) => other !== processId).length;
  const line = queue.map((id) => ({ processId: id, instanceId: instanceOfProcess(id) }));
  const grant = lease?.ownerId === found.ownerId ? lease.grants[0] : undefined;
  if (!lease || !grant) {
    const name = found.fencingToken === null ? UNKNOWN : readOwner(found.ownerId);
    return { ...found, ...name, waiters, queue: line };
  }
  const { label = null } = grant.options;
  const named = { ...found, label, instanceId: instanceOfProcess(processId), waiters, queue: line };
  if (!lease.shared) return named;
  const { ownerId, fencingToken } = found;
  return noteStoredHolder({ ...named, ownerId: grant.ownerId, fencingToken: lease.token }, { ownerId, fencingToken });
}
