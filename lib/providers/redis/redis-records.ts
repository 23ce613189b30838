import type { Redis } from 'ioredis';
import {
  StoreNotReachedError,
  type RecordAnswer,
  type RecordCondition,
  type RecordDeletion,
  type RecordListener,
  type RecordWrite,
  type StoredRecord,
} from '../../provider-api/index.js';
import type { RunScript } from './batches.js';
import { malformedReply } from './redis-errors.js';
import { connectionClosed, connectionLost } from './redis.messages.js';
import { assertReplicated, type Replication } from './replicated-leases.js';
import { scanKeys } from './scan-keys.js';
import type { StoreConnection } from './store-connection.js';
import type { StoreKeys } from './store-keys.js';
import { WakeUpLink } from './wake-up-link.js';

/** The records of a namespace, as requests to the server and answers of it. */
export class RedisRecords {
  private link?: WakeUpLink;
  private isClosed = false;
  /** Rejects a watch that has not begun yet. */
  private giveUp: () => void = () => undefined;

  /** The last WAIT that was sent or is about to be: it holds up the connection, so there is one at a time. */
  private confirming: Promise<void> = Promise.resolve();
  private nextConfirming?: Promise<void>;

  constructor(
    private readonly connection: StoreConnection,
    private readonly keys: StoreKeys,
    private readonly run: RunScript,
    private readonly onRefused: (error: Error) => void,
    private readonly replication?: Replication,
  ) {}

  async read(name: string): Promise<StoredRecord | null> {
    return toRecord(name, await this.run('readRecord', [this.keys.record(name)], []), 'readRecord');
  }

  async write(request: RecordWrite): Promise<RecordAnswer> {
    const { version, value, ttl } = request;
    return this.change(request, ttl, [version, value]);
  }

  async delete(request: RecordDeletion): Promise<RecordAnswer> {
    return this.change(request, request.keepTokenFor, []);
  }

  async *list(prefix: string): AsyncGenerator<StoredRecord> {
    const start = this.keys.record('');
    const seen = new Set<string>();
    for (const server of this.connection.masters()) {
      for await (const page of this.pages(server, start, prefix)) {
        const names = page.filter((name) => !seen.has(name));
        for (const name of names) seen.add(name);
        const found = await Promise.all(names.map(async (name) => this.read(name)));
        for (const record of found) if (record) yield record;
      }
    }
  }

  /** Resolves once the messages arrive. */
  async watch(listener: RecordListener): Promise<void> {
    let heard = false;
    await new Promise<void>((resolve, reject) => {
      this.giveUp = () => {
        reject(new StoreNotReachedError(connectionClosed()));
      };
      // The connection for commands ends a little later, and one made beside it now would stay.
      if (this.isClosed) {
        this.giveUp();
        return;
      }
      const link = new WakeUpLink(
        this.connection,
        this.keys.recordChannel(this.connection.keyPrefix),
        {
          subscribed: () => {
            if (heard) listener.restored();
            heard = true;
            resolve();
          },
          lost: () => undefined,
          refused: (error) => {
            this.onRefused(error);
            if (!heard) {
              link.close();
              reject(error);
            }
            return heard;
          },
          message: (name) => {
            listener.changed(name);
          },
          failed: () => undefined,
        },
        () => [],
      );
      this.link?.close();
      this.link = link;
      link.open();
    });
  }

  close(): void {
    this.isClosed = true;
    this.link?.close();
    this.giveUp();
  }

  private async change(request: RecordCondition, ttl: number | null, rest: readonly string[]): Promise<RecordAnswer> {
    const { name, token, ifVersion } = request;
    const condition = ifVersion === undefined ? '' : ifVersion === null ? '0' : `=${ifVersion}`;
    const channel = this.keys.recordChannel(this.connection.keyPrefix);
    const sentOver = this.replication?.connection();
    const reply = await this.run(
      'changeRecord',
      [this.keys.record(name)],
      [String(token), condition, ttl === null ? '' : String(ttl), channel, name, ...rest],
    );
    if (Number(reply) === 1) {
      await this.confirm(sentOver);
      return { changed: true };
    }
    const [reason, ...found] = Array.isArray(reply) ? (reply as unknown[]) : [];
    if (reason !== 'token' && reason !== 'version') throw malformedReply('changeRecord');
    return { changed: false, reason, record: toRecord(name, found, 'changeRecord') };
  }

  /** Resolves once enough replicas have what this connection has written. */
  private async confirm(sentOver: unknown): Promise<void> {
    const { replication } = this;
    if (!replication) return;
    this.nextConfirming ??= this.confirming
      .catch(() => undefined)
      .then(async () => {
        this.nextConfirming = undefined;
        await assertReplicated(replication);
      });
    this.confirming = this.nextConfirming;
    await this.confirming;
    // The replicas of another master have acknowledged, which never had the write.
    if (replication.connection() !== sentOver) throw new Error(connectionLost());
  }

  private async *pages(server: Redis, start: string, prefix: string): AsyncGenerator<string[]> {
    const { keyPrefix } = this.connection;
    for await (const found of scanKeys(server, keyPrefix + start + prefix, 'hash', this.explain)) {
      yield found.map((key) => key.slice(keyPrefix.length + start.length));
    }
  }

  private readonly explain = (error: unknown): unknown => this.connection.explain(error);
}

function toRecord(name: string, reply: unknown, script: string): StoredRecord | null {
  if (!Array.isArray(reply)) throw malformedReply(script);
  if (reply.length === 0) return null;
  const [value, token, version, age, pttl] = reply as unknown[];
  const [tokenNumber, ageNumber, ttl] = [token, age, pttl].map(Number) as [number, number, number];
  if (
    typeof value !== 'string' ||
    typeof version !== 'string' ||
    ![tokenNumber, ageNumber, ttl].every(Number.isSafeInteger)
  ) {
    throw malformedReply(script);
  }
  return { name, value, token: tokenNumber, version, age: ageNumber, ttl: ttl === -1 ? null : Math.max(0, ttl) };
}
