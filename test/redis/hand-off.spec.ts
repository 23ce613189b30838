import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis, type RedisOptions } from 'ioredis';
import type { LockingService, RedisLockingProviderOptions } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { useRawRedis } from '../support/raw-redis.js';
import { deferred } from '../support/deferred.js';
import { expectDirectHandOff } from '../support/expect-hand-off.js';
import { heartbeats, subscribers, untilClean, untilQueued } from '../support/store-view.js';
import { eventually } from '../support/poll.js';

const redis = useRawRedis();
const applications = useApplications();
const clients: Redis[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

const start = async (options: RedisLockingProviderOptions = { redisUrl: redis.url }): Promise<LockingService> =>
  (await applications.onRedis(options)).locking;

/** A client that the application opens itself. */
function clientOf(options: RedisOptions): Redis {
  const client = new Redis(redis.url, { disconnectTimeout: 100, ...options });
  clients.push(client);
  return client;
}

/** Records the keyspace events of a key. */
async function watchKey(key: string): Promise<{ readonly events: string[]; readonly over: Promise<void> }> {
  await redis.raw.config('SET', 'notify-keyspace-events', 'K$gx');
  const events: string[] = [];
  const over = deferred();
  const client = clientOf({});
  client.on('message', (_, event: string) => {
    events.push(event);
    if (event === 'del') over.resolve();
  });
  await client.subscribe(`__keyspace@0__:${key}`);
  return { events, over: over.promise };
}

describe('hand-off from application to application', () => {
  it('a key goes to the application that came first, and is never free in between', async () => {
    const [holder, ...waiters] = await Promise.all([start(), start(), start(), start()]);
    const lock = await holder.acquire('k');
    const { events, over } = await watchKey('lock:k');
    const order: number[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const [index, waiter] of waiters.entries()) {
      waiting.push(waiter.execute('k', () => order.push(index), { timeout: '20s' }));
      await untilQueued(redis.raw, 'k', index + 1);
    }
    await lock.release();
    await Promise.all([...waiting, over]);
    expect(order).toEqual([0, 1, 2]);
    // The key is written for one holder after another, and deleted after the last.
    expect(events.filter((event) => event !== 'set')).toEqual(['expire', 'expire', 'expire', 'del']);
  });

  it('inspect returns the number of waiters of a key', async () => {
    const [holder, waiter, other] = await Promise.all([start(), start(), start()]);
    await holder.acquire('k', { ownerId: 'me' });
    for (const timeout of ['20s', '21s'] as const) waiter.execute('k', () => undefined, { timeout }).catch(String);
    other.execute('k', () => undefined, { timeout: '20s' }).catch(String);
    await untilQueued(redis.raw, 'k', 2);
    expect((await holder.inspect('k'))?.waiters).toBe(2);
    expect((await waiter.inspect('k'))?.waiters).toBe(3);
  });

  it('hand-offs leave nothing in the store except the counter, and no connection', async () => {
    const [holder, one, two] = [
      await applications.onRedis({ redisUrl: redis.url }),
      await applications.onRedis({ redisUrl: redis.url }),
      await applications.onRedis({ redisUrl: redis.url }),
    ];
    for (const { locking } of [holder, one, two]) {
      await Promise.all([locking.execute('k', () => 1), locking.execute(['l', 'm'], () => 1)]);
      await locking.tryAcquire('k').then((lock) => lock?.release());
    }
    expect(await subscribers(redis.raw)).toBe(0);
    const locks = [await holder.locking.acquire('k'), await holder.locking.acquire('l')];
    const waiting = [
      one.locking.execute('k', () => undefined, { timeout: '20s' }),
      two.locking.execute('k', () => undefined, { timeout: '20s' }),
      two.locking.execute(['l', 'm'], () => undefined, { timeout: '20s' }),
    ];
    const givenUp = one.locking.execute('l', () => undefined, { timeout: '400ms' }).catch((error: unknown) => error);
    await untilQueued(redis.raw, 'k', 2);
    await untilQueued(redis.raw, 'l', 2);
    expect(await subscribers(redis.raw)).toBe(2);
    expect(await givenUp).toMatchObject({ code: 'LOCK_TIMEOUT' });
    await untilQueued(redis.raw, 'l', 1);
    await Promise.all([...locks.map((lock) => lock.release()), ...waiting]);
    await untilClean(redis.raw);
    expect(await subscribers(redis.raw)).toBe(2);
    await one.app.close();
    await two.app.close();
    await eventually(async () => (await subscribers(redis.raw)) === 0);
  });

  it('an application that closes while it waits leaves no subscription', async () => {
    const holder = await start();
    await holder.acquire('k');
    const { app, locking } = await applications.onRedis({ redisUrl: redis.url });
    const waiting = locking.acquire('k', { timeout: '20s' }).catch((error: unknown) => error);
    await app.close();
    expect(await waiting).toMatchObject({ code: 'LOCK_BACKEND' });
    await eventually(async () => (await subscribers(redis.raw)) === 0);
    await untilQueued(redis.raw, 'k', 0);
  });
});

describe('wake-ups', () => {
  it.each(['a b', ' ', 'line\nbreak\r\n', 'schlüssel ✓ 𝄞', ' granted 1 0 x y', '*?[a]\\'])(
    'wake-ups arrive for the key %j',
    async (key) => {
      const [holder, waiter] = await Promise.all([start(), start()]);
      await expectDirectHandOff(redis.raw, holder, waiter, key);
    },
  );

  it.each([2, 3] as const)('wake-ups arrive over RESP%d', async (protocol) => {
    // ioredis 5 has no such option, and ignores it
    const redisOptions: RedisOptions & { protocol: 2 | 3 } = { protocol };
    const options = { redisUrl: redis.url, redisOptions };
    await expectDirectHandOff(redis.raw, await start(options), await start(options));
  });

  it('wake-ups arrive with the keyPrefix of an existing client, and of redisOptions', async () => {
    const keyPrefix = 'mine?ü:';
    const existing = await start({ client: clientOf({ keyPrefix }) });
    const own = await start({ redisUrl: redis.url, redisOptions: { keyPrefix } });
    await expectDirectHandOff(redis.raw, existing, own);
    await expectDirectHandOff(redis.raw, own, existing, 'l');
    expect(await redis.raw.keys('*')).toEqual([`${keyPrefix}lock:nestjs-locking:fence`]);
  });

  it('wake-ups arrive in another database, and for the right namespace', async () => {
    const options = { redisUrl: `${redis.url}/3`, namespace: 'shop ü:' };
    const [holder, waiter] = [await start(options), await start(options)];
    await redis.raw.select(3);
    try {
      await expectDirectHandOff(redis.raw, holder, waiter);
    } finally {
      await redis.raw.select(0);
    }
  });

  it('wake-ups arrive from a server that has lost the scripts meanwhile', async () => {
    const [holder, waiter] = [await start(), await start()];
    const lock = await holder.acquire('k');
    const waiting = waiter.acquire('k', { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 1);
    await redis.raw.script('FLUSH');
    const before = String(await heartbeats(redis.raw, 'k'));
    await eventually(async () => String(await heartbeats(redis.raw, 'k')) !== before);
    await redis.raw.script('FLUSH');
    await lock.release();
    expect((await waiting).held).toBe(true);
    await untilQueued(redis.raw, 'k', 0);
  });
});
