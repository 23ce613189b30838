import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis, type RedisOptions } from 'ioredis';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { LockBackendError, LockTimeoutError, RedisLockingProvider } from '../../lib/index.js';
import { expectDirectHandOff } from '../support/expect-hand-off.js';
import { subscribers, untilQueued } from '../support/store-view.js';
import { useProxies } from '../support/tcp-proxy.js';
import { useApplications } from '../support/applications.js';
import { listedKeys } from '../support/listed-keys.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';

const redis = useRawRedis();
const startProxy = useProxies();
const applications = useApplications();
const clients: Redis[] = [];

function clientOf(options: RedisOptions = {}, url = redis.url): Redis {
  const client = new Redis(url, { disconnectTimeout: 100, ...options });
  clients.push(client);
  return client;
}

function listenersOf(client: Redis): Record<string, number> {
  return Object.fromEntries(client.eventNames().map((name) => [String(name), client.listenerCount(name)]));
}

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

describe.each([
  ['that is ready', {}, true],
  ['that is still connecting', {}, false],
  ['that has not begun (lazyConnect)', { lazyConnect: true }, false],
])('an existing client %s', (_, options, awaited) => {
  it('an existing client is used, not closed, and left without our listeners', async () => {
    const client = clientOf(options);
    if (awaited) await once(client, 'ready');
    const before = awaited ? listenersOf(client) : {};
    const { app, locking, log } = await applications.onRedis({ client });
    expect(log.of('log')).toEqual(['Connection to Redis in "locking-redis" provider established']);
    expect(await locking.execute('k', () => client.exists('lock:k'))).toBe(1);
    await locking.acquire('held');

    await app.close();
    expect(client.status).toBe('ready');
    expect(await client.ping()).toBe('PONG');
    expect(listenersOf(client)).toEqual(before);
    expect(await client.keys('*')).toEqual(['lock:nestjs-locking:fence']);
    expect(await rejectionOf(locking.acquire('k'))).toBeInstanceOf(LockBackendError);
  });
});

describe('an existing client', () => {
  it('an existing client keeps its own keyPrefix', async () => {
    const { locking } = await applications.onRedis({ client: clientOf({ keyPrefix: 'mine?:' }), namespace: 'l:' });
    await locking.acquire('k', { ownerId: 'me' });
    expect((await redis.raw.keys('*')).sort()).toEqual(['mine?:l:k', 'mine?:l:nestjs-locking:fence']);
    expect(await listedKeys(locking)).toEqual(['k']);
    expect(await locking.inspect('k')).toMatchObject({ ownerId: 'me', ttl: null });
    expect(await locking.forceRelease('k')).toBe(1);
  });

  it('an existing client may have another address for its server than its copies', async () => {
    const client = clientOf();
    const proxy = await startProxy(redis.port);
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (options) => duplicate({ ...options, port: proxy.port });
    const [one, two] = [await applications.onRedis({ client }), await applications.onRedis({ client })];
    const holder = await one.locking.acquire('k');
    expect(await rejectionOf(two.locking.acquire('k', { timeout: '4s' }))).toBeInstanceOf(LockTimeoutError);
    // One copy that subscribes, and one more attempt to reach the same server as the client.
    expect(proxy.connections.length).toBe(2);
    await holder.release();
  });

  it('an existing client may serve two applications, one of which closes', async () => {
    const client = clientOf();
    const one = await applications.onRedis({ client });
    const two = await applications.onRedis({ client });
    const lock = await two.locking.acquire('k');
    await one.app.close();
    expect(lock.held).toBe(true);
    expect(await two.locking.execute('l', () => 1)).toBe(1);
    await two.app.close();
    expect(listenersOf(client)).toEqual({});
  });

  it('an existing client is used again after it has reconnected, which is logged', async () => {
    const client = clientOf();
    const { locking, log } = await applications.onRedis({ client });
    await redis.raw.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await eventually(() => log.of('log').length === 2);
    expect(await locking.execute('k', () => 1)).toBe(1);
  });

  it('an existing client that is down is reported, and used once it is up', async () => {
    const client = clientOf({ lazyConnect: true, retryStrategy: () => 20 }, 'redis://127.0.0.1:1');
    const { locking, log } = await applications.onRedis({ client });
    expect(log.of('error')[0]).toContain('provider failed: connect ECONNREFUSED 127.0.0.1:1.');
    expect((await rejectionOf(locking.acquire('k'))).message).toContain('ECONNREFUSED');
    client.options.port = redis.port;
    await eventually(() => log.of('log').length === 1);
    expect(await locking.execute('k', () => 1)).toBe(1);
  });

  it('the connection for wake-ups reconnects although the retryStrategy of the existing client gives up', async () => {
    const client = clientOf({ retryStrategy: () => null });
    const [holder, waiter] = [
      await applications.onRedis({ redisUrl: redis.url }),
      await applications.onRedis({ client }),
    ];
    const lock = await holder.locking.acquire('k');
    const waiting = waiter.locking.acquire('k', { timeout: '20s' });
    for (let round = 0; round < 2; round += 1) {
      await untilQueued(redis.raw, 'k', 1);
      expect(await redis.raw.call('CLIENT', 'KILL', 'TYPE', 'PUBSUB')).toBe(1);
      await eventually(async () => (await subscribers(redis.raw)) === 1);
    }
    await lock.release();
    await (await waiting).release();
    await expectDirectHandOff(redis.raw, holder.locking, waiter.locking);
    expect(client.status).toBe('ready');
  });

  it('an existing client that gives up is reported once, with the remedy, and used when it is connected again', async () => {
    const client = clientOf({ retryStrategy: (attempt) => (attempt < 3 ? 10 : null) });
    const { locking, log } = await applications.onRedis({ client });
    const { port } = client.options;
    client.options.port = 1;
    await redis.raw.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await eventually(() => client.status === 'end');
    await eventually(() => log.of('warn').length === 2);
    expect(log.of('warn')[1]).toMatch(/has ended and does not connect again, .* call connect\(\) on it/);
    expect((await rejectionOf(locking.acquire('k'))).message).toContain('call connect() on it');
    client.options.port = port;
    await client.connect();
    expect(await locking.execute('k', () => 1)).toBe(1);
    expect(log.of('warn')).toHaveLength(2);
  });

  it('an existing client that has ended is reported at the start, and fails the start with failFast', async () => {
    const client = clientOf();
    await once(client, 'ready');
    client.disconnect();
    await once(client, 'end');
    const { log, locking, app } = await applications.onRedis({ client });
    expect(log.of('error')[0]).toContain('provider failed: the client is end.');
    expect(await rejectionOf(locking.acquire('k'))).toBeInstanceOf(LockBackendError);
    expect(await rejectionOf(applications.onRedis({ client, failFast: true }))).toBeInstanceOf(LockBackendError);
    await app.close();
    expect(listenersOf(client)).toEqual({});
  });

  it('an existing client that never becomes ready is left without our listeners as well', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const client = clientOf({}, `redis://127.0.0.1:${port}`).on('error', () => undefined);
    await once(client, 'connect');
    const before = listenersOf(client);

    const provider = new RedisLockingProvider({ client }, { id: 'locking-redis', warn: () => undefined });
    const opening = rejectionOf(provider.connect(() => undefined));
    expect(listenersOf(client)).not.toEqual(before);
    await provider.close();
    expect((await opening).message).toBe('the client is connect');
    expect(listenersOf(client)).toEqual(before);
    silent.close();
  });
});
