import type { LockTransaction } from '../interfaces/index.js';
import type { LeaseStore } from './lease-store.js';
import type { RecordAnswer, RecordWrite, StoredRecord } from './record-store.js';

/** Records as a transaction of the application sees and changes them. What it changes stands once it has been committed. */
export interface RecordsInTransaction {
  /** Resolves with each record; `null` where there is none. */
  read(names: readonly string[]): Promise<readonly (StoredRecord | null)[]>;

  /** As `RecordStore.writeRecord`. */
  write(request: RecordWrite): Promise<RecordAnswer>;

  /** Deletes a record unless a greater token wrote it. Of one that is not there no token is remembered. */
  remove(name: string, token: number): Promise<void>;
}

/** A store that keeps its records in a database of the application, so that a transaction there can change them. */
export interface TransactionalRecords {
  /**
   * @throws LockConfigurationError for a transaction that is elsewhere, or cannot be used; nothing was written. Every call of what
   * it resolves with may throw it as well, before anything is written, where `transaction` turns out to be none.
   */
  recordsIn(transaction: LockTransaction): Promise<RecordsInTransaction>;
}

/** Whether transactions of the application can change the records of `store`. */
export function hasTransactionalRecords(store: LeaseStore): store is LeaseStore & TransactionalRecords {
  return typeof (store as Partial<TransactionalRecords>).recordsIn === 'function';
}
