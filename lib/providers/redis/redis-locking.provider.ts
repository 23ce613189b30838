import { LockConfigurationError } from '../../errors/index.js';
import { RESERVED_KEY_PREFIX } from '../../engine/lock-keys.js';
import { isWellFormed } from '../../engine/well-formed.js';
import type {
  ExtendRequest,
  LeaseAnswer,
  LeaseRequest,
  LockingProvider,
  LockingProviderContext,
  ReleaseOutcome,
  ReleaseRequest,
  StoredLease,
  WakeUpListener,
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
import { nonsensical, wholeNumber } from './redis-errors.js';
import { LeaseScripts } from './lease-scripts.js';
import { RedisWakeUps } from './redis-wake-ups.js';
import { runScript, type ScriptName } from './script-runner.js';
import { StoreKeys } from './store-keys.js';
import { toStoredLease } from './stored-value.js';

const SCAN_COUNT = 500;

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
  private readonly wakeUps: RedisWakeUps;
  private readonly keys: StoreKeys;
  private readonly scripts: LeaseScripts;
  private warnedOf?: string;

  constructor(
    options: RedisLockingProviderOptions,
    private readonly context: LockingProviderContext,
  ) {
    assertUsable(options, context.id);
    this.connection = new RedisConnection(context.id, options, (message) => {
      context.warn(message);
    });
    this.keys = new StoreKeys(options.namespace ?? 'lock:');
    this.wakeUps = new RedisWakeUps(this.connection, this.keys);
    this.scripts = new LeaseScripts({
      keys: this.keys,
      // eslint-disable-next-line @typescript-eslint/promise-function-async -- see `runScript`
      run: (name, keys, args) => runScript(this.connection.client(), name, keys, args, this.explain),
      voidFor: () => this.connection.voidFor,
    });
  }

  async connect(onConnected: () => void): Promise<void> {
    await this.connection.open(() => {
      onConnected();
      void this.warnOfEviction();
    });
  }

  async close(): Promise<void> {
    this.wakeUps.close();
    this.connection.close();
    return Promise.resolve();
  }

  async listen(address: string, listener: WakeUpListener): Promise<void> {
    await this.wakeUps.listen(address, listener);
  }

  acquire(requests: readonly LeaseRequest[]): Promise<LeaseAnswer>[] {
    return this.scripts.acquire(requests);
  }

  extend(requests: readonly ExtendRequest[]): Promise<readonly boolean[]>[] {
    return this.scripts.extend(requests);
  }

  release(requests: readonly ReleaseRequest[]): Promise<readonly ReleaseOutcome[]>[] {
    return this.scripts.release(requests);
  }

  async forceRelease(keys: readonly string[]): Promise<number> {
    const held = wholeNumber(await this.script('force', this.keys.addTo([this.keys.fence], keys), []));
    if (!Number.isSafeInteger(held)) throw nonsensical('force');
    return held;
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    const reply: unknown = await this.script('inspect', this.keys.withOrders(keys), []);
    if (!Array.isArray(reply) || reply.length !== 3 * keys.length) throw nonsensical('inspect');
    return keys.map((key, index) => {
      const [value, pttl, line] = (reply as unknown[]).slice(3 * index, 3 * index + 3);
      return typeof value === 'string' ? toStoredLease(key, value, Number(pttl), line as string[]) : null;
    });
  }

  async *list(match = '*'): AsyncGenerator<StoredLease> {
    const prefix = this.connection.keyPrefix + this.keys.lock('');
    const pattern = prefix.replace(/[\\*?[\]]/g, '\\$&') + match;
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const from = cursor;
      const page: unknown = await this.send(async () =>
        this.connection.client().scan(from, 'MATCH', pattern, 'COUNT', SCAN_COUNT, 'TYPE', 'string'),
      );
      if (!isPage(page)) throw nonsensical('SCAN');
      const [next, found] = page;
      cursor = next;
      // SCAN may name a key more than once.
      const keys = found
        .map((storeKey) => storeKey.slice(prefix.length))
        .filter((key) => !key.startsWith(RESERVED_KEY_PREFIX) && !seen.has(key));
      for (const key of keys) seen.add(key);
      if (keys.length > 0) for (const lease of await this.inspect(keys)) if (lease) yield lease;
    } while (cursor !== '0');
  }

  private async script(name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return runScript(this.connection.client(), name, keys, args, this.explain);
  }

  private readonly explain = (error: unknown): unknown => this.connection.explain(error);

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
  if (namespace !== undefined && !isNamespace(namespace)) throw new LockConfigurationError(badNamespace(id));
  if (client || redisOptions?.sentinels) return;
  if (redisUrl === undefined || redisUrl === '') throw new LockConfigurationError(missingUrl(id));
  if (typeof redisUrl !== 'string' || !isRedisUrl(redisUrl)) {
    throw new LockConfigurationError(badUrl(id, redisUrl));
  }
}

/** Half of a surrogate pair would become the same character as every other one. */
function isNamespace(value: unknown): boolean {
  return typeof value === 'string' && isWellFormed(value);
}

function isClient(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'status' in value && 'duplicate' in value;
}

function isPage(reply: unknown): reply is [string, string[]] {
  return Array.isArray(reply) && typeof reply[0] === 'string' && Array.isArray(reply[1]);
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
