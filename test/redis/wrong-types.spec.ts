import { describe, expect, it } from '@jest/globals';
import { LockBackendError, RecordService, RedisLockingProvider, type LockingService } from '../../lib/index.js';
import { examineCounter } from '../../lib/providers/redis/redis-examination.js';
import { useApplications } from '../support/applications.js';
import { listedKeys } from '../support/listed-keys.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { untilQueued } from '../support/store-view.js';

const redis = useRawRedis();
const applications = useApplications();
const FENCE = 'lock:nestjs-locking:fence';
const QUEUE = 'lock:nestjs-locking:queue:k';
const ORDER = 'lock:nestjs-locking:order:k';

const open = async (): Promise<LockingService> => (await applications.onRedis({ redisUrl: redis.url })).locking;

describe('a token counter of a wrong type', () => {
  it.each([
    ['a list', ['RPUSH', FENCE, '1']],
    ['a hash', ['HSET', FENCE, 'a', '1']],
    ['a set', ['SADD', FENCE, '1']],
    ['text', ['SET', FENCE, 'abc']],
    ['no text at all', ['SET', FENCE, '']],
    ['not a number', ['SET', FENCE, 'nan']],
    ['without an end', ['SET', FENCE, 'inf']],
    ['greater than what numbers can tell apart', ['SET', FENCE, '9007199254740993']],
    ['as great as Redis can count', ['SET', FENCE, '9223372036854775807']],
    ['greater than that', ['SET', FENCE, '1e300']],
    ['a number in another spelling, 1e3', ['SET', FENCE, '1e3']],
    ['a number in another spelling, 007', ['SET', FENCE, '007']],
    ['a number in another spelling, of 16 characters', ['SET', FENCE, '0x05543DF729C000']],
    ['a number between spaces', ['SET', FENCE, ' 12 ']],
    ['a number with a fraction', ['SET', FENCE, '12.5']],
  ])('a token counter of a wrong type (%s) grants nothing, and stays as it is', async (_, command) => {
    const locking = await open();
    await redis.raw.call(...(command as [string, ...string[]]));
    const before = await redis.raw.dump(FENCE);
    let ran = false;
    const run = (): boolean => (ran = true);
    for (const call of [
      () => locking.execute('k', run),
      () => locking.execute(['k', 'other'], run),
      () => locking.execute('k', run, { ownerId: 'me' }),
      () => locking.acquire('k', { ownerId: 'me' }),
      () => Promise.all(['a', 'b', 'c'].map((key) => locking.execute(key, run))),
    ]) {
      const error = await rejectionOf(call());
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error.message).toMatch(
        /: BADFENCE the token counter holds no usable number \(.*\)\. Find out what else writes there\. Once that key is deleted/,
      );
    }
    expect(ran).toBe(false);
    expect(await redis.raw.dump(FENCE)).toEqual(before);
    await eventually(async () => (await redis.raw.keys('*')).join() === FENCE);

    await redis.raw.del(FENCE);
    expect(await locking.execute('k', ({ fencingToken }) => fencingToken)).toBeGreaterThan(1.7e15);
  });

  it.each(['', 'x', '007', '1e3', ' 12 ', '12.5', '9000000000000000'])(
    'an examination finds what the scripts refuse in the token counter: %j',
    (stored) => {
      expect(examineCounter(stored, Date.now())).toMatchObject([{ level: 'problem' }]);
    },
  );

  it('tokens follow a counter that is far ahead', async () => {
    const locking = await open();
    await redis.raw.set(FENCE, '8999999999990000');
    expect(await locking.execute('k', ({ fencingToken }) => fencingToken)).toBe(8_999_999_999_990_001);
  });

  it('a lock can be released although the token counter has a wrong type', async () => {
    const locking = await open();
    const lock = await locking.acquire('k');
    await redis.raw.del(FENCE);
    await redis.raw.rpush(FENCE, 'x');
    expect(await lock.release()).toBe(true);
    expect(await redis.raw.exists('lock:k')).toBe(0);
  });
});

const foreign = (key: string, type: string): RegExp =>
  new RegExp(
    `: WRONGTYPE the key "${key}" holds no ${type} \\(another program has written .*\\)\\. Find out which, .* delete the key`,
  );

describe('a queue of a wrong type', () => {
  it('a key whose queue has a wrong type is not granted, and the error names the queue', async () => {
    const locking = await open();
    await redis.raw.set(QUEUE, 'x');
    let ran = false;
    for (const keys of ['k', ['k', 'other']]) {
      const error = await rejectionOf(locking.execute(keys, () => (ran = true)));
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error.message).toMatch(foreign(QUEUE, 'hash'));
    }
    expect(ran).toBe(false);
    expect(await redis.raw.exists('lock:k', 'lock:other')).toBe(0);
    await redis.raw.del(QUEUE);
    expect(await locking.execute('k', () => 1)).toBe(1);
  });

  it('a key whose queue has a wrong type does not fail the keys that are acquired together with it', async () => {
    const locking = await open();
    await redis.raw.set(QUEUE, 'x');
    const [bad, ...good] = await Promise.allSettled(['k', 'a', 'b'].map((key) => locking.execute(key, () => key)));
    expect(bad!.status).toBe('rejected');
    expect(good).toMatchObject([{ value: 'a' }, { value: 'b' }]);
  });

  it('a call cannot wait for a key whose queue order has a wrong type, and says so', async () => {
    const [here, there] = [await open(), await open()];
    await redis.raw.set(ORDER, 'x');
    const lock = await here.acquire('k', { expire: '2s' });
    let ran = false;
    const error = await rejectionOf(there.execute('k', () => (ran = true), { timeout: '1500ms' }));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toMatch(foreign(ORDER, 'list'));
    expect(ran).toBe(false);
    await redis.raw.del(ORDER);
    expect(await lock.release()).toBe(true);
    expect(await there.execute('k', () => 'free', { timeout: '10s' })).toBe('free');
    await eventually(async () => (await redis.raw.exists('lock:k')) === 0);
  });

  it('the names of keys in errors have no control characters', async () => {
    const locking = await open();
    await redis.raw.set('lock:nestjs-locking:queue:a\nb', 'x');
    const error = await rejectionOf(locking.execute('a\nb', () => 1));
    expect(error.message).toContain('"lock:nestjs-locking:queue:a?b"');
  });
});

/** Overwrites a part of the queue of `k`, which another process has joined. */
async function overwriteQueue(part: string, type: string): Promise<void> {
  await redis.raw.del(part);
  if (type === 'text') await redis.raw.set(part, 'x');
  else await redis.raw.zadd(part, 1, 'x');
}

const OVERWRITTEN = [
  ['order', ORDER, 'text'],
  ['order', ORDER, 'a sorted set'],
  ['queue', QUEUE, 'text'],
  ['queue', QUEUE, 'a sorted set'],
] as const;

describe.each(OVERWRITTEN)('another program overwrites the %s of a key that is held (%s, with %s)', (_, part, type) => {
  it('the holder can release its lock, and those released together with it, although the queue is overwritten', async () => {
    const [here, there] = [await open(), await open()];
    const locks = await Promise.all(['k', 'a', 'b'].map((key) => here.acquire(key)));
    const waiting = there.execute('k', () => 'ran', { timeout: '30s' }).catch((error: unknown) => error);
    await untilQueued(redis.raw, 'k', 1);
    await overwriteQueue(part, type);
    expect(await Promise.all(locks.map((lock) => lock.release()))).toEqual([true, true, true]);
    expect(await redis.raw.exists('lock:k', 'lock:a', 'lock:b')).toBe(0);
    await redis.raw.del(part);
    expect(await waiting).toBe('ran');
  });

  it('forceRelease frees a key whose queue is overwritten', async () => {
    const [here, there] = [await open(), await open()];
    await here.acquire('k');
    const waiting = there.execute('k', () => 'ran', { timeout: '30s' }).catch((error: unknown) => error);
    await untilQueued(redis.raw, 'k', 1);
    await overwriteQueue(part, type);
    expect(await here.forceRelease('k')).toBe(1);
    expect(await redis.raw.exists('lock:k')).toBe(0);
    await redis.raw.del(part);
    expect(await waiting).toBe('ran');
  });

  it('a key whose queue is overwritten is shown and renewed like others', async () => {
    const locking = await open();
    const lock = await locking.acquire('k');
    await overwriteQueue(part, type);
    expect(await locking.inspect('k')).toMatchObject({ key: 'k', fencingToken: lock.fencingToken });
    expect(await listedKeys(locking)).toEqual(['k']);
    expect(await lock.extend('1m')).toBe(true);
    expect(await lock.release()).toBe(true);
  });
});

describe('a cancel that meets a queue of a wrong type', () => {
  it('a cancel is repeated until the queue is mended, and holds up no other cancel', async () => {
    const provider = new RedisLockingProvider({ redisUrl: redis.url }, { id: 'locking-redis', warn: () => undefined });
    await provider.connect(() => undefined);
    await redis.raw.set(QUEUE, 'x');
    const request = (key: string) => ({ keys: [key], ownerId: 'me', attemptId: 'p.1', processId: 'p', pending: true });
    const [bad, good] = await Promise.allSettled(provider.cancelBatch([request('k'), request('other')]));
    expect(bad).toMatchObject({
      reason: { message: expect.stringContaining(`WRONGTYPE the key "${QUEUE}" holds no hash`) as unknown },
    });
    expect(bad).not.toHaveProperty('reason.name', 'StoreNotReachedError');
    expect(good).toMatchObject({ value: ['gone'] });
    await redis.raw.del(QUEUE);
    expect(await Promise.all(provider.cancelBatch([request('k')]))).toEqual([['gone']]);
    await provider.close();
  });
});

describe('a record of a wrong type', () => {
  it('reads and writes of a record that another program has overwritten name the key', async () => {
    const { app } = await applications.onRedis({ redisUrl: redis.url });
    const records = app.get(RecordService);
    await redis.raw.rpush('lock:nestjs-locking:record:r', 'x');
    for (const call of [
      () => records.read('r'),
      () => records.write('r', 'v', { ttl: '1m' }),
      () => records.delete('r'),
    ]) {
      const error = await rejectionOf(call());
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error.message).toMatch(foreign('lock:nestjs-locking:record:r', 'hash'));
    }
  });
});
