import { LockBackendError, LockConfigurationError } from '../../errors/index.js';
import type { LeaseStore } from '../../provider-api/index.js';
import { callFailed, cannotSerialize, stillAsked } from '../engine.messages.js';
import type { LeaseTable } from '../hold/lease-table.js';
import type { Renewer } from '../hold/renewer.js';
import { writeHandedOver } from '../options/handed-over.js';
import type { StoreCalls } from '../store/store-calls.js';
import type { HeldLock } from './held-lock.js';

/** Hands locks to other processes: what this process has of them stays in the store. */
export class LockTransfer {
  /** The newest call of {@link takeOver} of each owner. */
  private readonly underWay = new Map<string | undefined, Promise<unknown>>();

  constructor(
    private readonly store: LeaseStore,
    private readonly calls: StoreCalls,
    private readonly leases: LeaseTable,
    private readonly renewer: Renewer,
    private readonly advance: (keys: readonly string[]) => void,
  ) {}

  /**
   * Ends what this process has of a lock, and leaves it to the store.
   *
   * @returns what another process needs to go on with it
   * @throws LockConfigurationError for a lock that others here share, or that its job releases
   * @throws LockBackendError when a late request might acquire the keys for this process again
   */
  handOver({ keys, grants, isOfJob }: HeldLock): string {
    const [grant, ...others] = grants;
    const { leases } = grant;
    const isShared = others.length > 0 || grant.isJoined || leases.some((lease) => lease.grants.length > 1);
    const ownerId = leases[0]?.ownerId;
    if (ownerId === undefined || isOfJob || isShared) throw new LockConfigurationError(cannotSerialize(keys));
    if (leases.some(({ source }) => source?.unsettled)) {
      const cause = new Error(stillAsked());
      throw new LockBackendError(keys, callFailed('hand over', keys, cause), { cause });
    }
    // Of a lease that went from holder to holder here, the store knows the first one.
    const tokens = new Map(leases.map(({ key, firstToken }) => [key, firstToken]));
    this.renewer.unwatch(grant);
    this.leases.end(grant);
    grant.close();
    this.advance(keys);
    return writeHandedOver({ ownerId, tokens });
  }

  /**
   * Calls `acquire` if the store still has what `handOver` of another process has left there. One call for an owner is under
   * way at a time in this process: the next one then finds the token of the lock that the first has taken over.
   *
   * @returns what `acquire` does, or `null`
   */
  async takeOver<T>(
    tokens: ReadonlyMap<string, number>,
    keys: readonly string[],
    ownerId: string | undefined,
    acquire: () => Promise<T | null>,
  ): Promise<T | null> {
    const { underWay } = this;
    const previous = underWay.get(ownerId);
    const own = (async () => {
      await previous?.catch(() => undefined);
      return (await this.stands(tokens, keys, ownerId)) ? acquire() : null;
    })();
    underWay.set(ownerId, own);
    try {
      return await own;
    } finally {
      if (underWay.get(ownerId) === own) underWay.delete(ownerId);
    }
  }

  private async stands(
    tokens: ReadonlyMap<string, number>,
    keys: readonly string[],
    ownerId: string | undefined,
  ): Promise<boolean> {
    const stored = await this.calls.run('inspect', keys, async () => this.store.inspect(keys));
    return keys.every((key, index) => {
      const lease = stored[index];
      return lease?.ownerId === ownerId && lease?.fencingToken === tokens.get(key);
    });
  }
}
