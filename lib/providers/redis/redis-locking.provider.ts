import { LockConfigurationError } from '../../errors/index.js';
import { RESERVED_KEY_PREFIX } from '../../engine/lock-keys.js';
import type {
  ExtendRequest,
  LeaseAnswer,
  LeaseRequest,
  LockingProvider,
  LockingProviderContext,
  ReleaseOutcome,
  ReleaseRequest,
  StoredLease,
} from '../../interfaces/index.js';
import { findEvictingPolicy } from './eviction-check.js';
import { RedisConnection } from './redis-connection.js';
import type { RedisLockingProviderOptions } from './redis-options.interface.js';
import {
  badClient,
  badNamespace,
  badUrl,
  clientAndUrl,
  clusterUnsupported,
  mayEvict,
  missingUrl,
} from './redis.messages.js';
import { runScript, type ScriptName } from './script-runner.js';
import { toStoredLease } from './stored-value.js';

const SCAN_COUNT = 500;
const OUTCOMES: readonly ReleaseOutcome[] = ['gone', 'freed', 'kept'];

/**
 * Locks across all processes that use the same Redis (or Valkey) server and namespace.
 *
 * A lock is the string key `namespace + key`, so other software that takes the same key with `SET NX` is respected.
 *
 * @throws LockConfigurationError at start-up, for options that cannot work
 *
 * @example
 * LockingModule.forRoot({
 *   providers: [{ resolve: RedisLockingProvider, options: { redisUrl: 'redis://localhost:6379' } }],
 * });
 */
export class RedisLockingProvider implements LockingProvider {
  static readonly identifier = 'locking-redis';
  static readonly optionNames = ['redisUrl', 'redisOptions', 'client', 'cluster', 'namespace'];

  readonly storeName = 'Redis';

  private readonly connection: RedisConnection;
  private readonly namespace: string;
  private warnedOf?: string;

  constructor(
    options: RedisLockingProviderOptions,
    private readonly context: LockingProviderContext,
  ) {
    assertUsable(options, context.id);
    this.connection = new RedisConnection(context.id, options, (message) => {
      context.warn(message);
    });
    this.namespace = options.namespace ?? 'lock:';
  }

  async connect(onConnected: () => void): Promise<void> {
    await this.connection.open(() => {
      onConnected();
      void this.warnOfEviction();
    });
  }

  async close(): Promise<void> {
    this.connection.close();
    return Promise.resolve();
  }

  acquire(requests: readonly LeaseRequest[]): Promise<LeaseAnswer>[] {
    return requests.map(async ({ keys, ownerId, attemptId, ttl, onlyIfOwned }): Promise<LeaseAnswer> => {
      const storeKeys = [`${this.namespace}${RESERVED_KEY_PREFIX}fence`, ...this.storeKeys(keys)];
      const reply = await this.run('acquire', storeKeys, [ownerId, attemptId, text(ttl), flag(onlyIfOwned)]);
      const [granted, ...rest] = reply;
      if (granted === 1) {
        const fencingTokens = keys.map((_, index) => rest[2 * index] ?? 0);
        return { granted: true, fencingTokens, reentered: keys.map((_, index) => rest[2 * index + 1] === 1) };
      }
      const [index = 1, pttl = -1] = rest;
      return { granted: false, key: keys[index - 1] ?? '', remaining: pttl === -1 ? null : Math.max(0, pttl) };
    });
  }

  extend(requests: readonly ExtendRequest[]): Promise<readonly boolean[]>[] {
    return requests.map(async ({ keys, ownerId, ttl }) => {
      const reply = await this.run('extend', this.storeKeys(keys), [ownerId, text(ttl)]);
      return reply.map((held) => held === 1);
    });
  }

  release(requests: readonly ReleaseRequest[]): Promise<readonly ReleaseOutcome[]>[] {
    return requests.map(async ({ keys, ownerId, attemptId, undo, keepFor }) => {
      const args = [ownerId, attemptId ?? '', flag(undo), text(keepFor)];
      const reply = await this.run('release', this.storeKeys(keys), args);
      return reply.map((outcome) => OUTCOMES[outcome] ?? 'gone');
    });
  }

  async forceRelease(keys: readonly string[]): Promise<number> {
    const count: unknown = await this.send(async () => this.connection.client().del(...this.storeKeys(keys)));
    return Number(count);
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    const reply = (await this.script('inspect', this.storeKeys(keys), [])) as (string | number | null)[];
    return keys.map((key, index) => {
      const value = reply[2 * index];
      return typeof value === 'string' ? toStoredLease(key, value, Number(reply[2 * index + 1])) : null;
    });
  }

  async *list(match = '*'): AsyncGenerator<StoredLease> {
    const prefix = this.connection.keyPrefix + this.namespace;
    const pattern = prefix.replace(/[\\*?[\]]/g, '\\$&') + match;
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const from = cursor;
      const [next, found] = await this.send(async () =>
        this.connection.client().scan(from, 'MATCH', pattern, 'COUNT', SCAN_COUNT, 'TYPE', 'string'),
      );
      cursor = next;
      // SCAN may name a key more than once.
      const keys = found
        .map((storeKey) => storeKey.slice(prefix.length))
        .filter((key) => !key.startsWith(RESERVED_KEY_PREFIX) && !seen.has(key));
      for (const key of keys) seen.add(key);
      if (keys.length > 0) for (const lease of await this.inspect(keys)) if (lease) yield lease;
    } while (cursor !== '0');
  }

  private storeKeys(keys: readonly string[]): string[] {
    return keys.map((key) => this.namespace + key);
  }

  private async run(name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<number[]> {
    const reply = await this.script(name, keys, args);
    if (!Array.isArray(reply)) throw new Error(`Redis answered the script ${name} with something that is no list`);
    return reply.map(Number);
  }

  private async script(name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.send(async () => runScript(this.connection.client(), name, keys, args));
  }

  private async send<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      throw this.connection.explain(error);
    }
  }

  private async warnOfEviction(): Promise<void> {
    const policy = await findEvictingPolicy(() => this.connection.client());
    if (policy === undefined || policy === this.warnedOf) return;
    this.warnedOf = policy;
    this.context.warn(mayEvict(this.context.id, policy));
  }
}

function assertUsable(options: RedisLockingProviderOptions, id: string): void {
  const { redisUrl, redisOptions, client, cluster, namespace } = options;
  if (client !== undefined && !isClient(client)) throw new LockConfigurationError(badClient(id));
  const isCluster = client !== undefined && 'isCluster' in client && client.isCluster;
  if (cluster !== undefined || isCluster) throw new LockConfigurationError(clusterUnsupported(id));
  if (client && (redisUrl !== undefined || redisOptions)) throw new LockConfigurationError(clientAndUrl(id));
  if (namespace !== undefined && typeof namespace !== 'string') throw new LockConfigurationError(badNamespace(id));
  if (client || redisOptions?.sentinels) return;
  if (redisUrl === undefined || redisUrl === '') throw new LockConfigurationError(missingUrl(id));
  if (typeof redisUrl !== 'string' || !isRedisUrl(redisUrl)) {
    throw new LockConfigurationError(badUrl(id, redisUrl));
  }
}

function isClient(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'status' in value && 'duplicate' in value;
}

/** ioredis decodes the user and the password, and fails on a `%` that encodes nothing. */
function isRedisUrl(text: string): boolean {
  try {
    const { protocol, username, password } = new URL(text);
    decodeURIComponent(username + password);
    return /^rediss?:$/.test(protocol) && text.startsWith(`${protocol}//`);
  } catch {
    return false;
  }
}

function text(milliseconds: number | null | undefined): string {
  return milliseconds === null || milliseconds === undefined ? '' : String(milliseconds);
}

function flag(value: boolean | undefined): string {
  return value ? '1' : '0';
}
