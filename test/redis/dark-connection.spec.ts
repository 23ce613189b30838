import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis, type RedisOptions } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { LockBackendError, type LockingService } from '../../lib/index.js';
import { SentinelWatch } from '../../lib/providers/redis/ioredis-workarounds/sentinel-watch.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { expectDirectHandOff } from '../support/expect-hand-off.js';
import { subscribers, untilClean, untilQueued } from '../support/store-view.js';
import { useProxies } from '../support/tcp-proxy.js';

const redis = useRawRedis();
const startProxy = useProxies();
const applications = useApplications();

/** From the first call that fails until calls work again, in milliseconds. */
const RECOVERY = 10_000;
const PATIENCE = 60_000;

/** With these, ioredis waits for no answer while it connects. ioredis 5 has no `protocol`, and needs none. */
const ASKS_NOTHING: RedisOptions & { protocol?: 2 } = {
  enableReadyCheck: false,
  protocol: 2,
  disableClientInfo: true,
};

/** Calls again and again; returns the time from the first failure to the next success. */
async function recovery(locking: LockingService): Promise<number> {
  const error = await rejectionOf(locking.execute('k', () => undefined, { timeout: '1m' }));
  const failed = performance.now();
  expect(error).toBeInstanceOf(LockBackendError);
  await eventually(async () => (await locking.execute('k', () => 1).catch(() => delay(100))) === 1, PATIENCE);
  return performance.now() - failed;
}

describe('a connection on which packets are dropped', () => {
  it(
    'the client reconnects after calls were not answered',
    async () => {
      const proxy = await startProxy(redis.port);
      const { locking, log } = await applications.onRedis({ redisUrl: proxy.url });
      await locking.execute('k', () => undefined);
      expect(proxy.goDark()).toBe(1);
      expect(await recovery(locking)).toBeLessThan(RECOVERY);
      expect(log.of('warn')).toEqual([expect.stringMatching(/provider lost: it answered nothing for 5 s/)]);
      await untilClean(redis.raw);
    },
    PATIENCE,
  );

  it(
    'the client reconnects until a connection is not dark from its beginning',
    async () => {
      const proxy = await startProxy(redis.port);
      const { locking } = await applications.onRedis({ redisUrl: proxy.url });
      proxy.goDark();
      proxy.onConnection = (connection) => {
        connection.goDark();
      };
      const error = await rejectionOf(locking.execute('k', () => undefined));
      expect(error).toBeInstanceOf(LockBackendError);
      await eventually(() => proxy.connections.length > 1, PATIENCE);
      proxy.onConnection = undefined;
      expect(await recovery(locking)).toBeLessThan(RECOVERY);
      expect(proxy.connections.length).toBeLessThan(5);
    },
    PATIENCE,
  );
});

describe('a connection for wake-ups on which packets are dropped', () => {
  it(
    'the provider reconnects for wake-ups, and the server drops the former connection',
    async () => {
      const proxy = await startProxy(redis.port);
      const holder = await applications.onRedis({ redisUrl: redis.url });
      const waiter = await applications.onRedis({ redisUrl: proxy.url });
      const lock = await holder.locking.acquire('k');
      const waiting = waiter.locking.acquire('k', { timeout: '1m' });
      await untilQueued(redis.raw, 'k', 1);
      const [, forWakeUps] = proxy.connections;
      forWakeUps!.goDark();
      const since = performance.now();
      await eventually(() => proxy.connections.length === 3, PATIENCE);
      await eventually(async () => forWakeUps!.closedByServer && (await subscribers(redis.raw)) === 1);
      expect(performance.now() - since).toBeLessThan(RECOVERY);
      await lock.release();
      await (await waiting).release();
      await expectDirectHandOff(redis.raw, holder.locking, waiter.locking);
    },
    PATIENCE,
  );
});

describe('a silent connection of an existing client', () => {
  const clients: Redis[] = [];
  const clientOf = (url: string, options: RedisOptions = {}): Redis => {
    const client = new Redis(url, { disconnectTimeout: 100, ...options });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  afterEach(() => {
    redis.server.kill('SIGCONT');
    for (const client of clients.splice(0)) client.disconnect();
  });

  it(
    'a silent connection of an existing client is replaced if the server answers on a new one',
    async () => {
      const proxy = await startProxy(redis.port);
      const { locking, log } = await applications.onRedis({ client: clientOf(proxy.url) });
      proxy.goDark();
      expect(await recovery(locking)).toBeLessThan(RECOVERY);
      expect(log.of('warn')).toEqual([expect.stringMatching(/provider lost: it answered nothing for 5 s/)]);
    },
    PATIENCE,
  );

  it.each<[string, RedisOptions]>([
    ['with the defaults', {}],
    ['that asks nothing when it connects', ASKS_NOTHING],
  ])(
    'stays where the server answers on no connection: one %s',
    async (_, options) => {
      const client = clientOf(redis.url, options);
      const { locking } = await applications.onRedis({ client });
      let closed = 0;
      client.on('close', () => (closed += 1));
      redis.server.kill('SIGSTOP');
      const answer = client.incr('counter');
      expect(await rejectionOf(locking.execute('k', () => undefined, { timeout: '1m' }))).toBeInstanceOf(
        LockBackendError,
      );
      // Longer than the time after which the connection would be closed.
      await delay(5000);
      redis.server.kill('SIGCONT');
      expect(await answer).toBe(1);
      expect(closed).toBe(0);
      expect(await redis.raw.get('counter')).toBe('1');
      await eventually(async () => (await locking.execute('k', () => 1).catch(() => 0)) === 1);
    },
    PATIENCE,
  );

  it(
    'a silent connection of an existing client stays if the application waits for an answer on it',
    async () => {
      const client = clientOf(redis.url);
      const { locking } = await applications.onRedis({ client });
      let closed = 0;
      client.on('close', () => (closed += 1));
      const answer = client.blpop('list', 0);
      expect(await rejectionOf(locking.execute('k', () => undefined, { timeout: '1m' }))).toBeInstanceOf(
        LockBackendError,
      );
      await delay(5000);
      await redis.raw.rpush('list', 'value');
      expect(await answer).toEqual(['list', 'value']);
      expect(closed).toBe(0);
    },
    PATIENCE,
  );

  it(
    'a silent connection of a client that would not reconnect is left open, with a warning',
    async () => {
      const proxy = await startProxy(redis.port);
      const client = clientOf(proxy.url, { retryStrategy: null });
      const { locking, log } = await applications.onRedis({ client });
      await locking.execute('k', () => undefined);
      proxy.goDark();
      locking.execute('k', () => undefined).catch(() => undefined);
      await eventually(() => log.of('warn').length > 0, PATIENCE);
      expect(log.of('warn')).toEqual([expect.stringMatching(/has no retryStrategy/)]);
      expect(client.status).toBe('ready');
    },
    PATIENCE,
  );
});

describe('unread answers in a busy process', () => {
  it('a busy process that has not read its answers does not reconnect', async () => {
    const { locking, log } = await applications.onRedis({ redisUrl: redis.url });
    const calls = Array.from({ length: 3 }, async (_, index) => locking.execute(`k${index}`, () => index));
    // The requests go out first.
    await delay(0);
    const until = performance.now() + 6500;
    while (performance.now() < until);
    await Promise.allSettled(calls);
    expect(await locking.execute('k', () => 'works')).toBe('works');
    expect(log.of('warn')).toEqual([]);
  }, 30_000);
});

describe('the connection to a sentinel on which packets are dropped', () => {
  it(
    'the client reconnects to a dark sentinel, so that it learns of a change of master',
    async () => {
      // Any Redis server passes messages on, like a sentinel.
      const proxy = await startProxy(redis.port);
      const heard: string[] = [];
      const watch = new SentinelWatch(
        { sentinels: [{ host: '127.0.0.1', port: proxy.port }], name: 'mymaster', disconnectTimeout: 100 },
        (address) => heard.push(address),
      );
      watch.start((options) => new Redis(options));
      await eventually(async () => (await subscribers(redis.raw)) === 1);
      proxy.goDark();
      await eventually(async () => (await subscribers(redis.raw)) === 2, PATIENCE);
      await redis.raw.publish('+switch-master', 'mymaster 10.0.0.1 6379 10.0.0.2 6379');
      await eventually(() => heard.length === 1);
      expect(heard).toEqual(['10.0.0.2:6379']);
      watch.close();
    },
    PATIENCE,
  );
});
