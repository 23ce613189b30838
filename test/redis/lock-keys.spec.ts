import { describe, expect, it } from '@jest/globals';
import { LockBackendError, LockTimeoutError } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { listedKeys } from '../support/listed-keys.js';
import { rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';

const redis = useRawRedis();
const applications = useApplications();
const FENCE = 'lock:nestjs-locking:fence';

describe('a lock key', () => {
  it.each(['order:42', 'schlüssel ✓', '*?[a]\\', 'with {tag}', 'line\nbreak', ' '])(
    'a lock is a plain string at namespace + key: %j',
    async (key) => {
      const { locking } = await applications.onRedis({ redisUrl: redis.url });
      const lock = await locking.acquire(key, { ownerId: 'me:1', expire: '10s' });
      expect((await redis.raw.keys('*')).sort()).toEqual([`lock:${key}`, FENCE].sort());
      expect(await redis.raw.type(`lock:${key}`)).toBe('string');
      const ttl = await redis.raw.pttl(`lock:${key}`);
      expect(ttl).toBeGreaterThan(9000);
      expect(ttl).toBeLessThanOrEqual(10_000);
      expect(await locking.inspect(key)).toMatchObject({ key, ownerId: 'me:1', fencingToken: lock.fencingToken });
      expect(await lock.release()).toBe(true);
      expect(await redis.raw.keys('*')).toEqual([FENCE]);
    },
  );

  it('a lock key has no time to live only if the lock never expires', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await locking.acquire('for ever', { ownerId: 'me' });
    await locking.acquire('renewed');
    expect(await redis.raw.pttl('lock:for ever')).toBe(-1);
    expect(await redis.raw.pttl('lock:renewed')).toBeGreaterThan(25_000);
    expect((await locking.inspect('for ever'))?.ttl).toBeNull();
  });

  it('a lock key may not be one of the internal keys of the namespace', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    expect((await rejectionOf(locking.acquire('nestjs-locking:fence'))).message).toContain('belong to this package');
  });
});

describe('another program that locks the same key with SET NX PX', () => {
  it('the lock of another program is shown as it is, and excludes us until it expires', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    expect(await redis.raw.set('lock:k', 'host-7/pid-1', 'PX', 3000, 'NX')).toBe('OK');
    const info = await locking.inspect('k');
    expect(info).toMatchObject({ key: 'k', ownerId: 'host-7/pid-1', fencingToken: null });
    expect(info?.ttl).toBeGreaterThan(0);
    expect(info?.ttl).toBeLessThanOrEqual(3000);
    expect(await locking.tryAcquire('k')).toBeNull();
    expect(await rejectionOf(locking.acquire(['a', 'k'], { timeout: '700ms' }))).toBeInstanceOf(LockTimeoutError);
    expect(await redis.raw.exists('lock:a')).toBe(0);

    const free = await locking.execute('k', () => redis.raw.get('lock:k'), { timeout: '20s' });
    expect(free).toMatch(/^nl1:/);
  });

  it('the lock of another program without an expiry excludes us until it is deleted or revoked', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await redis.raw.set('lock:k', '');
    expect(await locking.inspect('k')).toMatchObject({ ownerId: '', fencingToken: null, ttl: null });
    const waiting = locking.execute('k', () => 'mine', { timeout: '5s' });
    await redis.raw.del('lock:k');
    expect(await waiting).toBe('mine');

    await redis.raw.set('lock:k', 'x');
    expect(await locking.forceRelease('k')).toBe(1);
    expect(await redis.raw.exists('lock:k')).toBe(0);
  });

  it('our lock excludes another program', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await locking.execute('k', async () => {
      expect(await redis.raw.set('lock:k', 'x', 'PX', 1000, 'NX')).toBeNull();
    });
    expect(await redis.raw.set('lock:k', 'x', 'PX', 1000, 'NX')).toBe('OK');
  });

  it('we never release or extend the lock of another program, whatever its value', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    for (const value of ['me', 'nl1:me', 'nl1:1:me', 'nl2:1:a:me', 'xnl1:1:a:me', 'nl1:x:a:me']) {
      await redis.raw.set('lock:k', value, 'PX', 5000);
      expect(await locking.release('k', { ownerId: 'me' })).toBe(false);
      expect(await locking.release('k', { ownerId: value })).toBe(false);
      expect(await locking.extend('k', { ownerId: 'me', expire: '1m' })).toBe(false);
      expect(await locking.tryAcquire('k', { ownerId: 'me' })).toBeNull();
      expect(await locking.releaseAll({ ownerId: 'me' })).toBe(0);
      expect(await redis.raw.get('lock:k')).toBe(value);
      expect(await redis.raw.pttl('lock:k')).toBeLessThanOrEqual(5000);
    }
  });
});

describe('a value at the lock key that is no string', () => {
  it('a call whose key has a value that is no string fails, says so, and runs and changes nothing', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await redis.raw.rpush('lock:z', 'x');
    let ran = false;
    for (const keys of ['z', ['a', 'z']]) {
      const error = await rejectionOf(locking.execute(keys, () => (ran = true)));
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error.message).toMatch(/^Could not lock ("a", )?"z": WRONGTYPE /);
    }
    expect(ran).toBe(false);
    expect(await rejectionOf(locking.inspect('z'))).toBeInstanceOf(LockBackendError);
    expect(await redis.raw.keys('*')).toEqual(['lock:z']);
    expect(await redis.raw.lrange('lock:z', 0, -1)).toEqual(['x']);
  });

  it('a value that is no string does not disturb list, and can be revoked', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await redis.raw.hset('lock:z', 'x', 1);
    await locking.acquire('a', { expire: '1m' });
    expect(await listedKeys(locking)).toEqual(['a']);
    expect(await locking.forceRelease('z')).toBe(1);
    expect(await locking.execute('z', () => 1)).toBe(1);
  });
});
