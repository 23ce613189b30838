import type { Duration, ProviderChoice } from '../interfaces/index.js';

/** A record: a small value under a name, in the store of the locks. */
export interface LockRecord<T> {
  readonly name: string;

  /** The written value, as JSON gives it back. */
  readonly value: T;

  /** The fencing token of the write; 0 if it had none. */
  readonly token: number;

  /** Changes with each write: for `ifVersion`. */
  readonly version: string;

  /** Milliseconds since the write, by the clock of the store. */
  readonly age: number;

  /** Milliseconds until the record expires; `null` never. */
  readonly ttl: number | null;
}

/** When a change of a record is refused. */
export interface RecordConditionOptions extends ProviderChoice {
  /**
   * The `fencingToken` of the lock under which the caller works. The change is refused if a greater token has written or
   * deleted the record, so that a former holder changes nothing.
   *
   * @defaultValue 0: refused if a token was ever given
   */
  token?: number | undefined;

  /**
   * The `version` that was read: the change is refused if the record has another one by now. `null`: refused if there is a
   * record.
   *
   * @defaultValue the version does not matter
   */
  ifVersion?: string | null | undefined;
}

/** Options of {@link RecordService.write}. */
export interface WriteRecordOptions extends RecordConditionOptions {
  /** After this time the record expires; a number is seconds. `null`: never. */
  ttl: Duration | null;

  /**
   * The most bytes that the value may have as JSON, in UTF-8.
   *
   * @defaultValue 262,144
   */
  maxSize?: number | undefined;
}

/** Options of {@link RecordService.delete}. */
export interface DeleteRecordOptions extends RecordConditionOptions {
  /**
   * For how long the store remembers the token of a deleted record; a number is seconds.
   *
   * @defaultValue `'1d'`
   */
  keepTokenFor?: Duration | undefined;
}

/** What a change of a record came to: made, or refused, and the record that stands. */
export type RecordChange<T> =
  | {
      readonly changed: true;
      /** The version of the record now; `null` after a deletion. */
      readonly version: string | null;
    }
  | {
      readonly changed: false;
      /** `'token'`: a greater token came before. `'version'`: the record has another version than was asked for. */
      readonly reason: 'token' | 'version';
      readonly record: LockRecord<T> | null;
    };

/** @internal What reads and changes records: the `RecordService`, or a transaction. */
export interface RecordCalls {
  read<T>(name: string, options?: ProviderChoice): Promise<LockRecord<T> | null>;
  write<T>(name: string, value: T, options: WriteRecordOptions): Promise<RecordChange<T>>;
  delete<T>(name: string, options?: DeleteRecordOptions): Promise<RecordChange<T>>;
}
