import type { Duration } from './duration.interface.js';
import type { LockTransaction } from './lock-transaction.interface.js';

/** Everything about a checkpoint but its data. */
export interface CheckpointInfo {
  /** Counts the saves, over all holders: 1, 2, 3 … One that failed, or was rolled back, may leave a gap. */
  readonly sequence: number;

  /** What the save said of its progress: a number, a text, an object. */
  readonly progress: unknown;

  /** The version of the form of the data, as the options of the save had it. */
  readonly version: number;

  /** The fencing token of the lock under which it was saved. */
  readonly fencingToken: number;

  /** When it was saved, by the clock of the process that saved it. */
  readonly savedAt: Date;
}

/** A checkpoint with its data. */
export interface Checkpoint<T> extends CheckpointInfo {
  /** The saved data, as JSON gives it back. */
  readonly data: T;
}

/** Options of the checkpoints of a lock. */
export interface CheckpointOptions<T = unknown> {
  /**
   * Under which name the checkpoints are kept. Only the holders of one and the same lock may save under a name.
   *
   * @defaultValue the key of the lock; required for a lock of several keys
   */
  name?: string | undefined;

  /**
   * The least time between two saves that reach the store; a number is seconds. A save that comes earlier is kept in memory:
   * it is written by the next one after that time, by `flush()`, or when the lock is released.
   *
   * @defaultValue 0: each save is written at once
   */
  every?: Duration | undefined;

  /**
   * How many checkpoints are kept; a save deletes those before. At most 100.
   *
   * @defaultValue 3
   */
  keep?: number | undefined;

  /**
   * So long after its save a checkpoint expires; `null`: never. A number is seconds.
   *
   * @defaultValue `'168h'`, a week
   */
  ttl?: Duration | null | undefined;

  /**
   * The version of the form of the data: raise it when a newer program cannot read what an older one has saved.
   *
   * @defaultValue 1
   */
  version?: number | undefined;

  /**
   * Makes data of another version into that of this one. Without it, loading a checkpoint of another version is an error.
   */
  migrate?: ((data: unknown, version: number) => T) | undefined;

  /**
   * The most bytes that the data may have as JSON, in UTF-8.
   *
   * @defaultValue 262,144
   */
  maxSize?: number | undefined;
}

/** Options of a save. */
export interface SaveCheckpointOptions {
  /** How far the job is, for people and for `list()`: JSON of at most 1,024 bytes. */
  progress?: unknown;

  /**
   * A transaction of yours in the database of the lock (`PostgresLockingProvider`), at the level READ COMMITTED: the checkpoint
   * is saved with what else the transaction writes, or not at all. The save makes sure of the lock as {@link Lock.assertIn} does,
   * is written at once whatever `every` says, and takes the place of what that keeps in memory. Until the transaction has
   * ended, the other calls of these checkpoints wait for it.
   *
   * @defaultValue none: the save is committed by itself
   */
  transaction?: LockTransaction | undefined;
}

/**
 * The checkpoints of a lock: what its holder leaves behind for the next one, so that a long job goes on where it was
 * interrupted.
 *
 * Every call rejects with a `LockLostError` once a later holder has loaded or saved, and with a `LockBackendError` when the
 * store cannot be asked.
 *
 * @example
 * await locking.execute('import', async (lock) => {
 *   const checkpoints = lock.checkpoints<{ row: number }>();
 *   let row = (await checkpoints.loadLatest())?.data.row ?? 0;
 *   for (; row < rows.length; row += 1) {
 *     await importRow(rows[row]);
 *     await checkpoints.save({ row: row + 1 }, { progress: `${row + 1} of ${rows.length}` });
 *   }
 *   await checkpoints.deleteAll();
 * });
 */
export interface Checkpoints<T> {
  /**
   * The latest checkpoint; `null` if there is none. From then on the saves of earlier holders are refused, so that it stays
   * the latest until this holder saves.
   *
   * @throws LockConfigurationError for a checkpoint of another version without `migrate`
   */
  loadLatest(): Promise<Checkpoint<T> | null>;

  /** One checkpoint by its sequence; `null` if it is not kept any more. */
  load(sequence: number): Promise<Checkpoint<T> | null>;

  /** All that are kept, oldest first, without their data. */
  list(): Promise<CheckpointInfo[]>;

  /**
   * Saves the state of the job. Saves of one holder are written one after the other, in the order of the calls. One that
   * failed for want of an answer is tried again by `flush()` and at the release, unless a newer one was saved.
   *
   * @returns the checkpoint, or `null` if `every` keeps it in memory for now
   * @throws LockConfigurationError for data that is not JSON or is too large, and for a `transaction` that is not in the database
   * of the lock; nothing was written
   * @throws LockLostError with `transaction` also when the lock is no longer held: roll back
   */
  save(data: T, options?: SaveCheckpointOptions): Promise<CheckpointInfo | null>;

  /** Writes what `every` has kept in memory, or a save that failed. */
  flush(): Promise<void>;

  /** Deletes all but the newest `keep`. */
  cleanup(options: { keep: number }): Promise<void>;

  /** Deletes all of them: call it when the job is done. Data that is kept in memory is dropped. */
  deleteAll(): Promise<void>;
}
