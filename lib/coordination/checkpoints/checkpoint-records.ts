import { LockConfigurationError } from '../../errors/index.js';
import type { Checkpoint, CheckpointInfo, Duration, LockTransaction } from '../../interfaces/index.js';
import type { RecordService } from '../../records/index.js';
import type { RecordCalls } from '../../records/record.interface.js';
import { headNotReadable, otherVersion } from './checkpoint.messages.js';
import { recordNameOf, type CheckpointSettings } from './read-checkpoint-options.js';

/** What the head says of a checkpoint. */
export interface HeadEntry {
  readonly sequence: number;
  readonly progress?: unknown;
  readonly version: number;
  readonly token: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** When its data expires, by the monotonic clock of this process; `Infinity` never. */
  readonly until: number;
}

/** The content to write to the head: all checkpoints that are kept, oldest first. */
export interface HeadContent {
  /** The greatest sequence so far. */
  readonly last: number;
  readonly entries: readonly HeadEntry[];
}

/** The record that names all checkpoints that are kept. */
export interface Head extends HeadContent {
  /** The version of the record; `null` if there is none. */
  readonly version: string | null;
}

/** An entry in the store, where no clock of a process counts. */
interface StoredEntry extends Omit<HeadEntry, 'until'> {
  /** For how many milliseconds after the write of the head its data stays; `null` for ever. */
  readonly left: number | null;
}

interface StoredHead {
  readonly last: number;
  readonly entries: readonly StoredEntry[];
}

/**
 * The data of a checkpoint, in a record of its own. Sequences begin anew after `deleteAll`: `version` and `at`, with the token
 * of the record, say of which entry it is.
 */
interface StoredData extends Pick<HeadEntry, 'version' | 'at'> {
  readonly data: unknown;
}

/** The records of the provider of the lock. */
export interface RecordStoreCalls {
  readonly service: RecordCalls & Pick<RecordService, 'within'>;
  /** The id of the provider; the default provider without it. */
  readonly provider: string | undefined;
}

/** Reads and writes the records of checkpoints of one name: the head, and one for the data of each checkpoint. */
export class CheckpointRecords<T> {
  private readonly headName: string;
  private readonly dataPrefix: string;
  private readonly provider: string | undefined;

  /** @param records - those of a transaction, where it is not the service itself */
  constructor(
    private readonly store: RecordStoreCalls,
    private readonly settings: CheckpointSettings<T>,
    private readonly records: RecordCalls = store.service,
  ) {
    this.provider = store.provider;
    const name = recordNameOf(settings.name);
    // Apart from one another: the key "x" and the key "x/1" have checkpoints each.
    this.headName = `checkpoint/${name}`;
    this.dataPrefix = `checkpoint-data/${name}/`;
  }

  /**
   * The same records in a transaction of the application.
   *
   * @throws LockConfigurationError for a transaction in which they cannot be changed; nothing was written
   */
  async within(transaction: LockTransaction): Promise<CheckpointRecords<T>> {
    const { store, settings, headName, provider } = this;
    const records = await store.service.within(transaction, headName, { provider });
    return new CheckpointRecords<T>(store, settings, records);
  }

  /** @throws LockConfigurationError for a record of another form */
  async readHead(): Promise<Head> {
    const record = await this.records.read<StoredHead>(this.headName, { provider: this.provider });
    if (!record) return { last: 0, entries: [], version: null };
    const { value, age, version } = record;
    if (!isHead(value)) throw new LockConfigurationError(headNotReadable(this.settings.name));
    const written = performance.now() - age;
    const entries = value.entries.map(({ left, ...entry }) => ({ ...entry, until: written + (left ?? Infinity) }));
    return { last: value.last, entries: withData(entries), version };
  }

  /**
   * Writes the head if it still has the version that was read, so that a request that arrives late changes nothing.
   * Resolves with the head as it stands then, or with why that did not work.
   */
  async writeHead(
    { last, entries }: HeadContent,
    ifVersion: string | null,
    token: number,
  ): Promise<Head | 'token' | 'version'> {
    const now = performance.now();
    // As long as the data that it names, whatever the options of those who saved that.
    const until = Math.max(this.dataUntil(now), ...entries.map((entry) => entry.until));
    const stored: StoredHead = { last, entries: entries.map((entry) => toStored(entry, now)) };
    const options = { token, ttl: toTtl(until - now), provider: this.provider, ifVersion };
    const change = await this.records.write(this.headName, stored, options);
    return change.changed ? { last, entries, version: change.version } : change.reason;
  }

  /** When data that is written now expires. */
  dataUntil(now: number): number {
    return now + (this.settings.ttl ?? Infinity);
  }

  /** Resolves with whether no later holder has deleted or written. */
  async deleteHead(token: number): Promise<boolean> {
    return (await this.records.delete(this.headName, { token, provider: this.provider })).changed;
  }

  /** Writes data whose size is checked already. Resolves with false if a later holder has written under its name. */
  async writeData({ sequence, version, at, token }: HeadEntry, data: T): Promise<boolean> {
    const stored: StoredData = { data, version, at };
    const ttl = toTtl(this.settings.ttl ?? Infinity);
    const options = { token, ttl, maxSize: Number.MAX_SAFE_INTEGER, provider: this.provider };
    return (await this.records.write(this.dataName(sequence), stored, options)).changed;
  }

  async deleteData(sequences: readonly number[], token: number): Promise<void> {
    const options = { token, keepTokenFor: '0ms', provider: this.provider } as const;
    await Promise.all(sequences.map(async (sequence) => this.records.delete(this.dataName(sequence), options)));
  }

  /**
   * The checkpoint that `choose` finds among the entries of the head; `null` if there is none, or if its data has expired.
   *
   * @param readHead - asks the store at each call, or claims the checkpoints
   */
  async find(
    choose: (entries: readonly HeadEntry[]) => HeadEntry | undefined,
    readHead: () => Promise<Head> = async () => this.readHead(),
  ): Promise<Checkpoint<T> | null> {
    let missing: HeadEntry | undefined;
    for (;;) {
      const entry = choose((await readHead()).entries);
      if (!entry || (missing && isSame(entry, missing))) return null;
      const checkpoint = await this.readCheckpoint(entry);
      if (checkpoint) return checkpoint;
      // A save or a deletion may have come between the two calls: then the head is another one.
      missing = entry;
    }
  }

  /** The checkpoint of an entry; `null` if its data has expired, or if the data there is that of another entry. */
  private async readCheckpoint(entry: HeadEntry): Promise<Checkpoint<T> | null> {
    const { name, version, migrate } = this.settings;
    const record = await this.records.read<StoredData>(this.dataName(entry.sequence), { provider: this.provider });
    if (!record || !isSame({ ...record.value, sequence: entry.sequence, token: record.token }, entry)) return null;
    const { data } = record.value;
    if (entry.version === version) return { ...toInfo(entry), data: data as T };
    if (!migrate) throw new LockConfigurationError(otherVersion(name, entry.sequence, entry.version, version));
    return { ...toInfo(entry), data: migrate(data, entry.version) };
  }

  private dataName(sequence: number): string {
    return `${this.dataPrefix}${String(sequence)}`;
  }
}

export function toInfo({ sequence, progress, version, token, at }: HeadEntry): CheckpointInfo {
  return { sequence, progress, version, fencingToken: token, savedAt: new Date(at) };
}

/** Without those whose data has expired. */
export function withData(entries: readonly HeadEntry[]): readonly HeadEntry[] {
  const now = performance.now();
  return entries.filter(({ until }) => until > now);
}

/** What tells a checkpoint from all others of its name. */
type Identity = Pick<HeadEntry, 'sequence' | 'token' | 'version' | 'at'>;

function isSame(one: Identity, other: Identity): boolean {
  const { sequence, token, version, at } = other;
  return one.sequence === sequence && one.token === token && one.version === version && one.at === at;
}

function toStored({ until, ...entry }: HeadEntry, now: number): StoredEntry {
  return { ...entry, left: until === Infinity ? null : Math.round(until - now) };
}

function toTtl(milliseconds: number): Duration | null {
  return milliseconds === Infinity ? null : (`${String(Math.max(1, Math.round(milliseconds)))}ms` as Duration);
}

function isHead(value: unknown): value is StoredHead {
  const { last, entries } = (value ?? {}) as Partial<StoredHead>;
  return Number.isSafeInteger(last) && Array.isArray(entries);
}
