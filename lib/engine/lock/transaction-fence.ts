import { LockConfigurationError, LockLostError } from '../../errors/index.js';
import type { LockTransaction } from '../../interfaces/index.js';
import { isFencing, type LeaseStore } from '../../provider-api/index.js';
import { cannotAssert, noTransaction, takenAway } from '../engine.messages.js';
import type { LeaseExtender } from '../hold/lease-extender.js';
import type { StoreCalls } from '../store/store-calls.js';
import type { HeldLock } from './held-lock.js';

/** Makes sure of locks inside transactions of the application, where the store is their database. */
export class TransactionFence {
  constructor(
    private readonly store: LeaseStore,
    private readonly calls: StoreCalls,
    private readonly extender: LeaseExtender,
  ) {}

  /** @throws what {@link Lock.assertIn} does */
  async assertIn(lock: HeldLock, transaction: LockTransaction): Promise<void> {
    const { store } = this;
    const { keys } = lock;
    if (!isFencing(store)) throw new LockConfigurationError(cannotAssert(keys));
    if (typeof (transaction as Partial<LockTransaction> | undefined)?.query !== 'function') {
      throw new LockConfigurationError(noTransaction());
    }
    const leases = keys.map((key) => lock.leaseOf(key)).filter((lease) => lease !== undefined);
    const held = leases.map(({ key, ownerId, attemptId }) => ({ key, ownerId, attemptId }));
    for (const lease of leases) lease.isReliedOn = true;
    // Bounded: the release waits for it, and its transaction is the application's.
    const stands = await this.calls.run('make sure of', keys, async () =>
      store.assertIn(transaction, held).catch((error: unknown) => {
        if (error instanceof LockConfigurationError) return error;
        throw error;
      }),
    );
    if (stands instanceof LockConfigurationError) throw stands;
    const lost = leases.filter((_, index) => !stands[index]);
    if (lost.length === 0 && held.length === keys.length) return;
    // The store says so to the holders as well.
    for (const { key, ownerId } of lost) this.extender.extendByKey([key], ownerId, null).catch(() => undefined);
    const gone = keys.filter((key) => !leases.some((lease) => lease.key === key && !lost.includes(lease)));
    throw new LockLostError(gone, takenAway(gone));
  }
}
