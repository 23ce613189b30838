import { describe, expect, it } from '@jest/globals';
import { LockBackendError, type LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';

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

describe('a queue of a wrong type', () => {
  it('a key whose queue has a wrong type is not granted', async () => {
    const locking = await open();
    await redis.raw.set(QUEUE, 'x');
    let ran = false;
    for (const keys of ['k', ['k', 'other']]) {
      const error = await rejectionOf(locking.execute(keys, () => (ran = true)));
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error.message).toContain(
        'WRONGTYPE Operation against a key holding the wrong kind of value (a key of the',
      );
    }
    expect(ran).toBe(false);
    expect(await redis.raw.exists('lock:k', 'lock:other')).toBe(0);
    await redis.raw.del(QUEUE);
    expect(await locking.execute('k', () => 1)).toBe(1);
  });

  it('a call cannot wait for a key whose queue order has a wrong type, and says so', async () => {
    const [here, there] = [await open(), await open()];
    await redis.raw.set(ORDER, 'x');
    const lock = await here.acquire('k', { expire: '2s' });
    let ran = false;
    const error = await rejectionOf(there.execute('k', () => (ran = true), { timeout: '1500ms' }));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toContain('WRONGTYPE');
    expect(ran).toBe(false);
    await redis.raw.del(ORDER);
    await lock.release().catch(() => undefined);
    expect(await there.execute('k', () => 'free', { timeout: '10s' })).toBe('free');
    await eventually(async () => (await redis.raw.exists('lock:k')) === 0);
  });
});
