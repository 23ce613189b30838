import type { CheckpointOptions, Checkpoints } from './checkpoints.interface.js';
import type { Duration } from './duration.interface.js';
import type { LockTransaction } from './lock-transaction.interface.js';

/**
 * A lock that is held: what `acquire` resolves with and what a job is given.
 *
 * @example
 * await using lock = await locking.acquire('report:2026');
 * await fetch(url, { signal: lock.signal });
 */
export interface Lock extends AsyncDisposable {
  /** The keys it covers, deduplicated and sorted, without the provider's namespace. */
  readonly keys: readonly string[];

  /** Its holder: the `ownerId` of the call, or an id made for this lock alone. */
  readonly ownerId: string;

  /**
   * Grows with every grant of a key. Store it with what you write, and refuse a write that brings a smaller one: that
   * is what protects data from a holder that was paused for longer than its lease. With several keys, the greatest.
   */
  readonly fencingToken: number;

  /**
   * The fencing token of one of its keys.
   *
   * @throws LockKeyError when the lock does not cover `key`.
   */
  fencingTokenFor(key: string): number;

  /**
   * Is aborted, with a `LockLostError` as its reason, the moment the lock can no longer be trusted. Its listeners run in the
   * async context (`AsyncLocalStorage`) in which `signal` was first read, whatever ends the lock.
   */
  readonly signal: AbortSignal;

  /** Milliseconds for which the lock is certain; 0 once it is lost or released, `Infinity` if it never expires. */
  readonly remaining: number;

  /** Whether the lock is held at this moment, by the local clock. */
  readonly held: boolean;

  /**
   * Makes the lock last at least `expire` from now (default: the lease it was taken with); never shortens it.
   *
   * @returns false if it was no longer held; `signal` has then aborted.
   * @throws LockBackendError when the store cannot be asked.
   */
  extend(expire?: Duration): Promise<boolean>;

  /**
   * Makes sure in a transaction that the lock is held, where the store of the lock is the transaction's own database
   * (`PostgresLockingProvider`). If it resolves, no other holder is granted the keys until the transaction has ended, or has been
   * rolled back to a savepoint from before the call: what it writes is safe, even if the process was paused or the lease ends before the commit. Call it before the first write, in a
   * transaction at the level READ COMMITTED.
   *
   * @throws LockLostError when the lock is no longer held; roll back then.
   * @throws LockConfigurationError when the store of the lock is no database, the transaction has another isolation level, or no
   * transaction is open.
   * @throws LockBackendError when the statement fails or is not answered within 5 s; its `cause` is the error of the driver.
   *
   * @example
   * await client.query('BEGIN');
   * await lock.assertIn(client);
   * await client.query('UPDATE account SET balance = balance - $1 WHERE id = $2', [amount, id]);
   * await client.query('COMMIT');
   */
  assertIn(transaction: LockTransaction): Promise<void>;

  /**
   * What this holder leaves behind for the next one, so that a long job goes on where it was interrupted. Kept in the store of
   * the lock; the saves of a former holder are refused.
   *
   * @throws LockConfigurationError for options that cannot work, and where the store of the lock keeps no records
   *
   * @example
   * const checkpoints = lock.checkpoints<{ row: number }>({ every: '5s' });
   * const row = (await checkpoints.loadLatest())?.data.row ?? 0;
   */
  checkpoints<T>(options?: CheckpointOptions<T>): Checkpoints<T>;

  /**
   * Gives the lock up without releasing it, as a text with which another process goes on: `LockingService.restore`. From then
   * on it is not held here, and nothing renews it: the other process has to restore it within what `remaining` was, so
   * `extend` it before if the text travels for long. Only for locks of `acquire` and `tryAcquire`.
   *
   * @throws LockLostError when the lock is no longer held
   * @throws LockConfigurationError when it is the lock of a job, or others in this process share it
   * @throws LockBackendError when a request for it is still under way
   *
   * @example
   * const lock = await locking.acquire('import:7', { expire: '5m', label: 'import' });
   * await queue.add('import', { id: 7, lock: await lock.serialize() });
   */
  serialize(): Promise<string>;

  /**
   * Releases the lock. Calling it again does nothing more and tells the same.
   *
   * @returns true if the lock was still held until now.
   * @throws LockBackendError when the store cannot be asked; the release is then repeated in the background.
   */
  release(): Promise<boolean>;

  /** `release()` for `await using`; a store that is down does not throw here, for the lease runs out by itself. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the store knows of a locked key. */
export interface LockInfo {
  /** The key, without the provider's namespace. */
  readonly key: string;

  /** Its holder. For a lock of other software, the raw value that it stored. */
  readonly ownerId: string;

  /** The token of the current grant; `null` for a lock taken by other software. */
  readonly fencingToken: number | null;

  /** Milliseconds until it expires; `null` if it never does. */
  readonly ttl: number | null;

  /** How many wait for it: each caller in this application instance, and each other process that has any. */
  readonly waiters: number;

  /**
   * What the lock is for: the `label` of the call, or class and method of a decorated method; `null` for none. If the call
   * named an `ownerId`, other processes do not see it.
   */
  readonly label: string | null;

  /** The instance of the application that holds it; `null` where another process holds it under a named `ownerId`. */
  readonly instanceId: string | null;

  /** The processes that wait for it in the queue of the store, first come first; empty on a store without queues. */
  readonly queue: readonly WaitingProcess[];
}

/** A process in the queue of a key. */
export interface WaitingProcess {
  /** The id under which it queues, different for each process and provider. */
  readonly processId: string;

  /** Its instance of the application; `null` for a process of an older version of this package. */
  readonly instanceId: string | null;
}
