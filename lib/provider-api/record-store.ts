import type { LeaseStore } from './lease-store.js';

/** A record as the store has it. */
export interface StoredRecord {
  readonly name: string;

  /** JSON. */
  readonly value: string;

  /** The token of its last write. */
  readonly token: number;

  /** What the last write called this version of the record. */
  readonly version: string;

  /** For how many milliseconds the record has been as it is, by the clock of the store. */
  readonly age: number;

  /** Milliseconds; `null` never expires. */
  readonly ttl: number | null;
}

/** What makes a store refuse a change of a record. */
export interface RecordCondition {
  readonly name: string;

  /** The change is refused if a greater token has written or deleted the record. */
  readonly token: number;

  /** The change is refused unless the record has this version; with `null`, unless there is no record. */
  readonly ifVersion?: string | null;
}

/** A request to write a record. */
export interface RecordWrite extends RecordCondition {
  /** JSON. */
  readonly value: string;

  /** A new name for the version that this request writes. A request that arrives twice is answered twice the same. */
  readonly version: string;

  /** Milliseconds; `null` never expires. */
  readonly ttl: number | null;
}

/** A request to delete a record. */
export interface RecordDeletion extends RecordCondition {
  /**
   * For how many milliseconds the store remembers the token, so that it refuses earlier ones. Where there is no record, a
   * greater token that the store remembers stays for as long as before, at least.
   */
  readonly keepTokenFor: number;
}

/** The answer to a change: whether it was made; if not, why, and the record that stands. */
export type RecordAnswer =
  | { readonly changed: true }
  | { readonly changed: false; readonly reason: 'token' | 'version'; readonly record: StoredRecord | null };

/** What a store tells about its records. Every message may come late, twice or never. */
export interface RecordListener {
  /** The record was written or deleted. */
  changed(name: string): void;

  /** Messages were missing until now: any record may have changed. */
  restored(): void;
}

/**
 * A store that keeps small values beside its leases, for what is built on locks: idempotency, checkpoints, circuit
 * breakers. A record outlives the lock under which it was written; its token refuses the late writes of former holders.
 *
 * Each request is atomic, and has to have the same effect when it arrives twice.
 */
export interface RecordStore extends LeaseStore {
  /** Resolves with each record; `null` where there is none. */
  readRecords(names: readonly string[]): Promise<readonly (StoredRecord | null)[]>;

  /** Writes a record, unless its token or version refuse it. */
  writeRecord(request: RecordWrite): Promise<RecordAnswer>;

  /** Deletes a record, and remembers its token for a while. A record that is not there counts as deleted. */
  deleteRecord(request: RecordDeletion): Promise<RecordAnswer>;

  /** Yields all records whose name begins with `prefix`, without blocking the store. */
  listRecords(prefix: string): AsyncIterable<StoredRecord>;

  /** Once this resolves, the store tells `listener` of changes. Called once. */
  watchRecords?(listener: RecordListener): Promise<void>;
}

/** Whether `store` keeps records. */
export function isRecordStore(store: LeaseStore): store is RecordStore {
  const { readRecords, writeRecord, deleteRecord, listRecords } = store as Partial<RecordStore>;
  return [readRecords, writeRecord, deleteRecord, listRecords].every((method) => typeof method === 'function');
}
