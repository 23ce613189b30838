import { describe, expect, it } from '@jest/globals';
import { useApplications, type StartedApplication } from '../support/applications.js';
import { listedKeys } from '../support/listed-keys.js';
import { useRawRedis } from '../support/raw-redis.js';
import type { RedisLockingProviderOptions } from '../../lib/index.js';

const redis = useRawRedis();
const applications = useApplications();

const start = (options: RedisLockingProviderOptions): Promise<StartedApplication> =>
  applications.onRedis({ redisUrl: redis.url, ...options });

describe('redisOptions', () => {
  it('redisOptions choose the database, as the URL does', async () => {
    const { locking: three } = await start({ redisOptions: { db: 3 } });
    const { locking: four } = await start({ redisUrl: `${redis.url}/4` });
    await three.acquire('k');
    await four.acquire('k');
    expect(await redis.raw.dbsize()).toBe(0);
    expect(await redis.raw.info('keyspace')).toMatch(/db3:keys=2,[^]*db4:keys=2,/);
  });

  it('redisOptions reach ioredis: name, user, RESP version', async () => {
    await redis.raw.acl('SETUSER', 'locks', 'on', '>pw', '~lock:*', '+@all', '-@dangerous', '+info');
    const redisOptions = { username: 'locks', password: 'pw', connectionName: 'of-the-shop', protocol: 2 as const };
    const { locking } = await start({ redisOptions });
    expect(await locking.execute('k', () => 1)).toBe(1);
    const [line] = String(await redis.raw.client('LIST'))
      .split('\n')
      .filter((text) => text.includes('name=of-the-shop'));
    expect(line).toContain('user=locks');
    expect(line).toContain('resp=2');
  });

  it('locks work if ioredis answers with numbers as strings', async () => {
    const { locking } = await start({ redisOptions: { stringNumbers: true } });
    const lock = await locking.acquire(['a', 'b'], { ownerId: 'me', expire: '10s' });
    expect(typeof lock.fencingToken).toBe('number');
    expect(await lock.extend('20s')).toBe(true);
    const info = await locking.inspect('a');
    expect(info?.fencingToken).toBe(lock.fencingTokenFor('a'));
    expect(info?.ttl).toBeGreaterThan(10_000);
    expect(await locking.forceRelease(['a', 'free'])).toBe(1);
    expect(await lock.release()).toBe(false);
  });

  it.each([
    [{ enableOfflineQueue: true, autoResendUnfulfilledCommands: true, maxRetriesPerRequest: null }, ''],
    [{ lazyConnect: false }, '?enableOfflineQueue=true&autoResendUnfulfilledCommands=true&maxRetriesPerRequest=20'],
    [{}, '?lazyConnect=&enableOfflineQueue=1&db=2'],
  ])('redisOptions cannot make commands run late or twice: %j and the URL %j', async (redisOptions, query) => {
    const { locking, log } = await start({ redisUrl: `${redis.url}/${query}`, redisOptions });
    expect(log.of('log')).toHaveLength(1);
    expect(optionsOf(locking)).toMatchObject({
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      lazyConnect: true,
    });
    expect(await locking.execute('k', () => 1)).toBe(1);
    const used = query.includes('db=2') ? 'db2:keys=1' : 'db0:keys=1';
    expect(await redis.raw.info('keyspace')).toContain(used);
  });
});

describe('namespace', () => {
  it('the namespace is lock: by default, and may be empty', async () => {
    const locks = await Promise.all([start({}), start({ namespace: 'shop/' }), start({ namespace: '' })]);
    for (const { locking } of locks) await locking.acquire('k');
    expect((await redis.raw.keys('*')).sort()).toEqual([
      'k',
      'lock:k',
      'lock:nestjs-locking:fence',
      'nestjs-locking:fence',
      'shop/k',
      'shop/nestjs-locking:fence',
    ]);
  });

  it('the namespace is taken literally, not as a glob', async () => {
    const { locking } = await start({ namespace: '[ab]*?\\:' });
    await locking.acquire(['k', 'l', '*']);
    await redis.raw.mset('a:k', '1', 'ax\\:z', '1', '[ab]zz\\:z', '1');
    expect(await redis.raw.exists('[ab]*?\\:k')).toBe(1);
    expect(await listedKeys(locking)).toEqual(['*', 'k', 'l']);
    expect(await listedKeys(locking, 'k')).toEqual(['k']);
    expect(await listedKeys(locking, '\\*')).toEqual(['*']);
    expect(await locking.inspect('k')).toMatchObject({ key: 'k' });
  });

  it('namespaces keep applications apart, and list returns only the locks of its own', async () => {
    const [one, two] = [await start({ namespace: 'a:' }), await start({ namespace: 'a:b:' })];
    await one.locking.acquire('k');
    expect(await two.locking.tryAcquire('k')).not.toBeNull();
    expect(await listedKeys(two.locking)).toEqual(['k']);
    expect(await two.locking.releaseAll()).toBe(1);
    expect(await listedKeys(one.locking)).toEqual(expect.arrayContaining(['k']));
  });
});

describe('a keyPrefix of ioredis', () => {
  it('a keyPrefix of ioredis is put before the namespace, and every call works with it', async () => {
    const { locking } = await start({ redisOptions: { keyPrefix: 'app[1]*:' } });
    const lock = await locking.acquire(['k', 'l'], { ownerId: 'me', expire: '10s' });
    expect((await redis.raw.keys('*')).sort()).toEqual([
      'app[1]*:lock:k',
      'app[1]*:lock:l',
      'app[1]*:lock:nestjs-locking:fence',
    ]);
    expect(await listedKeys(locking)).toEqual(['k', 'l']);
    expect(await listedKeys(locking, 'l*')).toEqual(['l']);
    expect(await locking.inspect('k')).toMatchObject({ key: 'k', ownerId: 'me' });
    expect(await lock.extend('1m')).toBe(true);
    expect(await redis.raw.pttl('app[1]*:lock:l')).toBeGreaterThan(10_000);
    expect(await locking.forceRelease('k')).toBe(1);
    expect(await locking.releaseAll({ ownerId: 'me' })).toBe(1);
    expect(await redis.raw.dbsize()).toBe(1);
  });
});

describe('list', () => {
  it('list returns each of many locks once, in chunks, without KEYS', async () => {
    const { locking } = await start({});
    const keys = Array.from({ length: 3000 }, (_, index) => `order:${index}`);
    await locking.acquire(keys, { expire: '1m' });
    await redis.raw.config('RESETSTAT');
    expect(await listedKeys(locking)).toEqual([...keys].sort());
    expect(await listedKeys(locking, 'order:29[0-4]?')).toHaveLength(50);
    expect(await redis.raw.info('commandstats')).not.toContain('cmdstat_keys');
  });
});

/** The options of the client inside the provider. */
function optionsOf(locking: object): unknown {
  const find = (value: unknown, depth: number): unknown => {
    if (typeof value !== 'object' || value === null || depth > 6) return undefined;
    if ('duplicate' in value && 'options' in value) return value.options;
    const parts = value instanceof Map ? [...value.values()] : Object.values(value);
    for (const part of parts) {
      const found = find(part, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return find(locking, 0);
}
