import type {
  RecordAnswer,
  RecordCondition,
  RecordDeletion,
  RecordListener,
  RecordWrite,
  StoredRecord,
} from '../../provider-api/index.js';
import { malformedAnswer } from './postgres-errors.js';
import type { WakeUpSurroundings } from './postgres-wake-ups.js';
import type { RunCommand } from './store-connection.js';
import { decodeText, encodeText } from './text-codec.js';
import { WakeUpSession } from './wake-up-session.js';

/** As many rows are looked at for one page of a list: values may be large. */
const LIST_PAGE = 100;

/** The channel of the records is that of a process which cannot be. */
const CHANNEL = ':records';

/** Between two tries to listen again, in milliseconds. */
const LISTEN_AGAIN = 1000;

/** The records of a namespace, as calls of functions and their results. */
export class PostgresRecords {
  private session?: WakeUpSession;
  private retry?: NodeJS.Timeout;
  private isClosed = false;

  constructor(
    private readonly run: RunCommand,
    private readonly around: Pick<WakeUpSurroundings, 'makeClient' | 'schema' | 'namespace' | 'notify'>,
  ) {}

  async read(names: readonly string[]): Promise<(StoredRecord | null)[]> {
    if (names.length === 0) return [];
    const found = await this.run('read_records', { namespace: this.namespace, names: names.map(encodeText) });
    if (found.length !== names.length) throw malformedAnswer('read_records');
    return names.map((name, index) => toRecord(name, found[index]));
  }

  async write(request: RecordWrite): Promise<RecordAnswer> {
    const { version, value, ttl } = request;
    return this.change(request, { version, value, ttl });
  }

  async delete(request: RecordDeletion): Promise<RecordAnswer> {
    return this.change(request, { version: null, value: null, ttl: request.keepTokenFor });
  }

  async *list(prefix: string): AsyncGenerator<StoredRecord> {
    let after: unknown = null;
    do {
      const request = { namespace: this.namespace, prefix: encodeText(prefix), after, most: LIST_PAGE };
      const [next, ...found]: readonly unknown[] = await this.run('list_records', request);
      after = next;
      for (const entry of found) {
        const [name, described] = Array.isArray(entry) ? (entry as unknown[]) : [];
        const record = toRecord(decodeText(String(name)), described);
        if (record) yield record;
      }
    } while (typeof after === 'string');
  }

  /** Resolves once the messages arrive. */
  async watch(listener: RecordListener): Promise<void> {
    const { schema, notify } = this.around;
    const session = new WakeUpSession(await this.around.makeClient(), {
      schema,
      namespace: this.namespace,
      processId: CHANNEL,
      register: 'watch_records_v1',
      notify,
      onMessage: (name) => {
        listener.changed(decodeText(name));
      },
      onLost: () => {
        this.watchAgain(listener);
      },
    });
    await session.open();
    this.session = session;
    if (this.isClosed) session.close();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.session?.close();
  }

  private watchAgain(listener: RecordListener): void {
    if (this.isClosed) return;
    this.retry = setTimeout(() => {
      this.watch(listener).then(
        () => {
          listener.restored();
        },
        () => {
          this.watchAgain(listener);
        },
      );
    }, LISTEN_AGAIN).unref();
  }

  private get namespace(): string {
    return encodeText(this.around.namespace);
  }

  private async change(
    { name, token, ifVersion }: RecordCondition,
    written: { version: string | null; value: string | null; ttl: number | null },
  ): Promise<RecordAnswer> {
    const [reason, found] = await this.run('change_record', {
      namespace: this.namespace,
      name: encodeText(name),
      token,
      conditional: ifVersion !== undefined,
      condition: ifVersion ?? null,
      ...written,
    });
    if (reason === 'changed') return { changed: true };
    if (reason !== 'token' && reason !== 'version') throw malformedAnswer('change_record');
    return { changed: false, reason, record: toRecord(name, found) };
  }
}

/** A record as `describe_record` tells of it. */
export function toRecord(name: string, found: unknown): StoredRecord | null {
  if (found === null || found === undefined) return null;
  const [value, token, version, age, left] = Array.isArray(found) ? (found as unknown[]) : [];
  if (typeof value !== 'string' || typeof version !== 'string' || ![token, age, left].every(Number.isSafeInteger)) {
    throw malformedAnswer('read_records');
  }
  return {
    name,
    value,
    token: token as number,
    version,
    age: age as number,
    ttl: left === -1 ? null : (left as number),
  };
}
