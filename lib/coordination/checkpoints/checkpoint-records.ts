import { LockConfigurationError } from '../../errors/index.js';
import type { Checkpoint, CheckpointInfo } from '../../interfaces/index.js';
import type { LockRecord, RecordService } from '../../records/index.js';
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
}

/** The record that names all checkpoints that are kept, oldest first. */
export interface Head {
  /** The greatest sequence so far. */
  readonly last: number;
  readonly entries: readonly HeadEntry[];
}

export const EMPTY: Head = { last: 0, entries: [] };

/** The data of a checkpoint, in a record of its own. */
interface StoredData {
  readonly data: unknown;
}

/** The records of the provider of the lock. */
export interface RecordStoreCalls {
  readonly records: Pick<RecordService, 'read' | 'write' | 'delete'>;
  /** The id of the provider; the default provider without it. */
  readonly provider: string | undefined;
}

/** Reads and writes the records of checkpoints of one name: the head, and one for the data of each checkpoint. */
export class CheckpointRecords<T> {
  private readonly headName: string;
  private readonly dataPrefix: string;
  private readonly records: RecordStoreCalls['records'];
  private readonly provider: string | undefined;

  constructor(
    { records, provider }: RecordStoreCalls,
    private readonly settings: CheckpointSettings<T>,
  ) {
    this.records = records;
    this.provider = provider;
    const name = recordNameOf(settings.name);
    // Apart from one another: the key "x" and the key "x/1" have checkpoints each.
    this.headName = `checkpoint/${name}`;
    this.dataPrefix = `checkpoint-data/${name}/`;
  }

  /** @throws LockConfigurationError for a record of another form */
  async readHead(): Promise<LockRecord<Head> | null> {
    const head = await this.records.read<Head>(this.headName, { provider: this.provider });
    if (head && !isHead(head.value)) throw new LockConfigurationError(headNotReadable(this.settings.name));
    return head;
  }

  /** Resolves with whether no later holder has written. */
  async writeHead(head: Head, token: number): Promise<boolean> {
    const { ttl } = this.settings;
    return (await this.records.write(this.headName, head, { token, ttl, provider: this.provider })).changed;
  }

  /** Writes the head as it was read, under the token of this holder. Resolves with why that did not work, if so. */
  async claimHead(head: LockRecord<Head> | null, token: number): Promise<'token' | 'version' | undefined> {
    const { ttl } = this.settings;
    const options = { token, ttl, provider: this.provider, ifVersion: head?.version ?? null };
    const change = await this.records.write(this.headName, head?.value ?? EMPTY, options);
    return change.changed ? undefined : change.reason;
  }

  /** Resolves with whether no later holder has deleted or written. */
  async deleteHead(token: number): Promise<boolean> {
    return (await this.records.delete(this.headName, { token, provider: this.provider })).changed;
  }

  async writeData(sequence: number, data: T, token: number): Promise<boolean> {
    const { ttl, maxSize } = this.settings;
    const stored: StoredData = { data };
    const options = { token, ttl, maxSize, provider: this.provider };
    return (await this.records.write(this.dataName(sequence), stored, options)).changed;
  }

  async deleteData(entries: readonly HeadEntry[], token: number): Promise<void> {
    const options = { token, keepTokenFor: '0ms', provider: this.provider } as const;
    await Promise.all(entries.map(async ({ sequence }) => this.records.delete(this.dataName(sequence), options)));
  }

  /** What the head names, without claiming it. */
  async entries(): Promise<readonly HeadEntry[]> {
    return (await this.readHead())?.value.entries ?? [];
  }

  /** The checkpoint of an entry; `null` if its data has expired. */
  async readCheckpoint(entry: HeadEntry): Promise<Checkpoint<T> | null> {
    const { name, version, migrate } = this.settings;
    const record = await this.records.read<StoredData>(this.dataName(entry.sequence), { provider: this.provider });
    if (!record) return null;
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

function isHead(value: unknown): value is Head {
  const { last, entries } = (value ?? {}) as Partial<Head>;
  return Number.isSafeInteger(last) && Array.isArray(entries);
}
