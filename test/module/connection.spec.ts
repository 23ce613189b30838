import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createServer } from 'node:net';
import { once } from 'node:events';
import {
  InMemoryLockingProvider,
  LockBackendError,
  LockingModule,
  LockingService,
  RedisLockingProvider,
} from '../../lib/index.js';
import { startRedisServer, type RedisServer } from '../../tools/redis-server/index.mjs';
import { useRedisServer } from '../support/redis.js';
import { useApplications } from '../support/applications.js';
import { LogCapture } from '../support/log-capture.js';
import { eventually, rejectionOf } from '../support/poll.js';

const applications = useApplications();
const ESTABLISHED = 'Connection to Redis in "locking-redis" provider established';

describe('Redis that is up', () => {
  const redis = useRedisServer();

  it('a connection to Redis is reported once, before the application has started', async () => {
    const { log } = await applications.onRedis({ redisUrl: redis.url });
    expect(log.of('log')).toEqual([ESTABLISHED]);
    expect([...log.of('warn'), ...log.of('error')]).toEqual([]);
  });

  it('each connection to Redis is reported under the id of its provider', async () => {
    const log = new LogCapture();
    const options = { redisUrl: redis.url };
    const providers = [
      { resolve: RedisLockingProvider, id: 'lp_one', options },
      { resolve: RedisLockingProvider, id: 'two', options, is_default: true },
      { resolve: InMemoryLockingProvider },
    ];
    await applications.start({ imports: [LockingModule.forRoot({ providers })] }, log);
    expect(log.of('log').sort()).toEqual([
      'Connection to Redis in "one" provider established',
      'Connection to Redis in "two" provider established',
    ]);
  });

  it('nothing is reported without a connection', async () => {
    const { log } = await applications.withLocks();
    for (const level of ['log', 'warn', 'error'] as const) expect(log.of(level)).toEqual([]);
  });
});

describe('Redis that is down', () => {
  let server: RedisServer | undefined;

  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  it('with a Redis that is down, the application starts, calls fail without running, and work once it is up', async () => {
    const port = await freePort();
    const { locking, log } = await applications.onRedis({ redisUrl: `redis://127.0.0.1:${port}` });
    expect(log.of('log')).toEqual([]);
    expect(log.of('error')).toEqual([
      `Connection to Redis in "locking-redis" provider failed: connect ECONNREFUSED 127.0.0.1:${port}. Locked calls fail with LockBackendError until it is there`,
    ]);

    let ran = 0;
    const job = (): number => (ran += 1);
    const calls = [
      () => locking.execute('k', job),
      () => locking.execute(['k', 'l'], job, { timeout: 0 }),
      () => locking.acquire('k', { ownerId: 'me' }),
      () => locking.tryAcquire('k'),
      () => locking.release('k', { ownerId: 'me' }),
      () => locking.extend('k', { ownerId: 'me', expire: '5s' }),
      () => locking.forceRelease('k'),
      () => locking.inspect('k'),
      () => locking.releaseAll({ ownerId: 'me' }),
    ];
    for (const call of calls) {
      const since = performance.now();
      const error = await rejectionOf(call());
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error.message).toContain('not connected to Redis');
      expect(performance.now() - since).toBeLessThan(1000);
    }
    expect(ran).toBe(0);

    server = await startRedisServer({ port });
    await eventually(() => log.of('log').includes(ESTABLISHED), 3000);
    expect(await locking.execute('k', job)).toBe(1);
  });

  it('with failFast, a Redis that is down fails the start, whatever else connects', async () => {
    const port = await freePort();
    server = await startRedisServer();
    const other = new Redis(server.url);
    await once(other, 'ready');
    const providers = [
      { resolve: RedisLockingProvider, id: 'up', is_default: true, options: { redisUrl: server.url } },
      {
        resolve: RedisLockingProvider,
        id: 'down',
        options: { redisUrl: `redis://127.0.0.1:${port}`, failFast: true },
      },
    ];
    const error = await rejectionOf(applications.withLocks({ providers }));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toBe(
      `Connection to Redis in "down" provider failed: connect ECONNREFUSED 127.0.0.1:${port}. The application does not start because of failFast.`,
    );
    expect(error.cause).toBeInstanceOf(Error);
    const clients = async (): Promise<number> =>
      String(await other.client('LIST'))
        .trim()
        .split('\n').length;
    await eventually(async () => (await clients()) === 1);
    other.disconnect();
  });

  it('failFast of a provider whose Redis is up does not fail the start for another one', async () => {
    const port = await freePort();
    server = await startRedisServer();
    const providers = [
      { resolve: RedisLockingProvider, id: 'up', is_default: true, options: { redisUrl: server.url, failFast: true } },
      { resolve: RedisLockingProvider, id: 'down', options: { redisUrl: `redis://127.0.0.1:${port}` } },
    ];
    const { locking } = await applications.withLocks({ providers });
    expect(await locking.execute('k', () => 1)).toBe(1);
    expect(await rejectionOf(locking.provider('down').execute('k', () => 1))).toBeInstanceOf(LockBackendError);
  });
});

describe('a provider that is closed before it has begun to connect', () => {
  const redis = useRedisServer();

  it('a provider that is closed before it begins to connect opens no connection', async () => {
    const provider = new RedisLockingProvider({ redisUrl: redis.url }, { id: 'locking-redis', warn: () => undefined });
    let connected = false;
    const opening = rejectionOf(
      provider.connect(() => {
        connected = true;
      }),
    );
    await provider.close();
    await opening;
    expect(connected).toBe(false);
    await expect(provider.inspect(['k'])).rejects.toThrow('not connected to Redis');
  });
});

it('the module connects before anything that uses the LockingService is built', async () => {
  const server = await startRedisServer();
  const first = {
    provide: 'first',
    inject: [LockingService],
    useFactory: async (locking: LockingService) => locking.execute('k', () => 'built'),
  };
  const providers = [{ resolve: RedisLockingProvider, options: { redisUrl: server.url } }];
  const app = await applications.start({ imports: [LockingModule.forRoot({ providers })], providers: [first] });
  expect(app.get('first')).toBe('built');
  await app.close();
  await server.stop();
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
