import type {
  CancelRequest,
  ExtendRequest,
  LeaseAnswer,
  LeaseRequest,
  ReleaseOutcome,
  ReleaseRequest,
  StoredLease,
} from './lease-requests.js';

/**
 * A store of leases: what every provider has to offer. A store does not wait, retry or keep time; the engine does.
 *
 * Each request is atomic, and the store itself compares owners. Each request may arrive twice or late, and has to have
 * the same effect then as once. A request that cannot be carried out rejects; if it certainly changed nothing, with a
 * {@link StoreNotReachedError}. Every promise has to settle, at the latest when the connection of the request is lost.
 *
 * What a store offers beyond this is a capability: {@link BatchingStore}, {@link QueueingStore}, {@link RevokingStore}.
 *
 * Check your own store with `describeLockingProvider` from `nestjs-locking/testing`. A complete example is in
 * docs/custom-provider.md.
 */
export interface LeaseStore {
  /** The name of the store in messages: `Redis`. Only for providers that connect. */
  readonly storeName?: string;

  /**
   * Connects. A rejection means that the store cannot be reached now; the provider goes on trying and calls
   * `onConnected` whenever it succeeds.
   *
   * The provider calls `onReplaced` whenever another server may have taken over that lacks the last writes of the former
   * one, so at the latest after each reconnection. The engine then repeats releases of the last seconds, waiters ask anew,
   * and holders ask whether they still hold.
   */
  connect?(onConnected: () => void, onReplaced?: () => void): Promise<void>;

  /** Grants a lease of every key, or of none. */
  acquire(request: LeaseRequest): Promise<LeaseAnswer>;

  /** Extends the leases of all keys, or of none. Resolves with whether the owner holds each key. */
  extend(request: ExtendRequest): Promise<readonly boolean[]>;

  /** Releases each key that the owner holds. Resolves with the outcome for each key. */
  release(request: ReleaseRequest): Promise<readonly ReleaseOutcome[]>;

  /** Cancels one attempt. Resolves with the outcome for each key. */
  cancel(request: CancelRequest): Promise<readonly ReleaseOutcome[]>;

  /** Takes keys from any holder: for operators. Resolves with how many keys were held. */
  revoke(keys: readonly string[]): Promise<number>;

  /** Resolves with the lease of each key; `null` for a free key. */
  inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]>;

  /** Yields all leases whose key matches the glob, without blocking the store. */
  list(match?: string): AsyncIterable<StoredLease>;

  /** Closes everything that the store opened. */
  close(): Promise<void>;
}

/**
 * What a provider rejects with when a request certainly changed nothing, so that nothing has to be cancelled. It has no
 * stack: it is the cause of a `LockBackendError`, by the thousand in an outage, and its frames would be the provider's.
 *
 * @example
 * if (!this.connection.isOpen) throw new StoreNotReachedError('not connected to the file server');
 */
export class StoreNotReachedError extends Error {
  override readonly name = 'StoreNotReachedError';

  constructor(message?: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}
