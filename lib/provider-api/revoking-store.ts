import type { StoredLease } from './lease-requests.js';
import type { LeaseStore } from './lease-store.js';

/** A store that can revoke a lease on condition that it is the one that an operator has seen. */
export interface RevokingStore extends LeaseStore {
  /** Whether {@link revokeSeen} compares owners alone, where one grant has no token that all servers agree on. */
  readonly comparesOwnersAlone?: boolean;

  /**
   * Revokes the lease that was seen, and no other one: where the owner or the token has changed since, nothing happens.
   * Compares and revokes in one step. A holder that is revoked is told as with `revoke`.
   *
   * @returns whether it stood until now
   */
  revokeSeen(seen: Pick<StoredLease, 'key' | 'ownerId' | 'fencingToken'>): Promise<boolean>;
}

/** Whether `store` can revoke the lease that was seen, and no other one. */
export function isRevoking(store: LeaseStore): store is RevokingStore {
  return typeof (store as Partial<RevokingStore>).revokeSeen === 'function';
}
