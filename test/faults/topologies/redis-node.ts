import { Redis } from 'ioredis';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startRedisServer, type RedisServer } from '../../../tools/redis-server/index.mjs';

/** Keys of this package that stay or expire late: queue entries with tombstones, the token counter, and records. */
const QUEUE = 'lock:nestjs-locking:queue:';
const COUNTER = /^lock:(\{.*\})?nestjs-locking:fence/;
const RECORD = 'lock:nestjs-locking:record:';

/** Returns the server of a fault, at the moment of the fault. */
export type Target = () => Promise<RedisNode>;

/** A Redis server, and the conductor's own connection to it. */
export class RedisNode {
  private constructor(
    readonly server: RedisServer,
    readonly admin: Redis,
  ) {}

  static async start(config: Readonly<Record<string, string>>): Promise<RedisNode> {
    return RedisNode.of(await startRedisServer({ config }));
  }

  /** For a server that the caller starts and stops. */
  static of(server: RedisServer): RedisNode {
    const admin = new Redis(server.url, {
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
      autoResendUnfulfilledCommands: false,
    });
    admin.on('error', () => undefined);
    return new RedisNode(server, admin);
  }

  /** Crashes the server and starts it again `down` milliseconds later; resolves once it answers. */
  async restart(down: number, withData: boolean): Promise<void> {
    this.server.kill('SIGKILL');
    await delay(down);
    if (!withData) await rm(join(this.server.dir, 'appendonlydir'), { recursive: true, force: true });
    await this.server.restart();
    while (!(await this.answers())) await delay(10);
  }

  async answers(): Promise<boolean> {
    return this.admin.ping().then(
      () => true,
      () => false,
    );
  }

  async leftKeys(): Promise<string[]> {
    const keys = (await this.admin.keys('lock:*')).filter((key) => !COUNTER.test(key) && !key.startsWith(RECORD));
    const isTombstones = await Promise.all(
      keys.map(async (key) => key.startsWith(QUEUE) && this.holdsOnlyTombstones(key)),
    );
    return keys.filter((_, i) => !isTombstones[i]).sort();
  }

  /** Whether the queue has only tombstones: fields that begin with `!`, in a key that expires. */
  private async holdsOnlyTombstones(queue: string): Promise<boolean> {
    const [fields, ttl] = await Promise.all([this.admin.hkeys(queue), this.admin.pttl(queue)]);
    return ttl !== -1 && fields.every((field) => field.startsWith('!'));
  }

  async version(): Promise<string> {
    const info = await this.admin.info('server');
    const valkey = /valkey_version:(\S+)/.exec(info)?.[1];
    return valkey ? `Valkey ${valkey}` : `Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? '?'}`;
  }

  /** Disconnects, and leaves the server running. */
  disconnect(): void {
    this.admin.disconnect();
  }

  async stop(): Promise<void> {
    this.disconnect();
    await this.server.stop();
  }
}
