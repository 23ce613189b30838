import type { LockTransaction } from '../interfaces/index.js';
import type { LeaseStore } from './lease-store.js';

/** What a lock has of one of its keys. */
export interface HeldKey {
  readonly key: string;
  readonly ownerId: string;
  /** The attempt that made the grant. */
  readonly attemptId: string;
}

/** A store that keeps its leases in a database of the application, so that a transaction there can rely on them. */
export interface FencingStore extends LeaseStore {
  /**
   * Whether each of `held` stands, asked in `transaction`. For those that do, no other holder is granted the key until the
   * transaction has ended, even if the lease expires or is released meanwhile.
   *
   * @returns one answer for each of `held`
   * @throws LockConfigurationError for a transaction in which it cannot be asked
   */
  assertIn(transaction: LockTransaction, held: readonly HeldKey[]): Promise<readonly boolean[]>;
}

/** Whether transactions can rely on the locks of `store`. */
export function isFencing(store: LeaseStore): store is FencingStore {
  return typeof (store as Partial<FencingStore>).assertIn === 'function';
}
