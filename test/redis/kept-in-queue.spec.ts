import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RedisLockingProvider, type LeaseRequest, type WakeUpListener } from '../../lib/index.js';
import { rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { OPTIONAL, REQUIRED } from '../support/acl.js';
import { FENCE } from '../support/store-view.js';

const redis = useRawRedis();
const ORDER = 'lock:nestjs-locking:order:k';
const QUEUE = 'lock:nestjs-locking:queue:k';
const WRITES = ['set', 'del', 'incrby', 'hset', 'hdel', 'lrem', 'rpush', 'pexpire'] as const;
const ALLOWED = [...REQUIRED, ...OPTIONAL].map((command) => `+${command}`);

const deaf: WakeUpListener = {
  granted: () => undefined,
  offered: () => undefined,
  contended: () => undefined,
  lost: () => undefined,
  interrupted: () => undefined,
  restored: () => undefined,
};

let provider: RedisLockingProvider;
const opened: RedisLockingProvider[] = [];

/** A provider of the process `processId`. */
async function open(processId: string): Promise<RedisLockingProvider> {
  const redisUrl = redis.url.replace('redis://', 'redis://locks:pw@');
  const process = new RedisLockingProvider({ redisUrl }, { id: 'direct', warn: () => undefined });
  opened.push(process);
  await process.connect(() => undefined);
  await process.listen(processId, deaf);
  return process;
}

const requestOf = (processId: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  keys: ['k'],
  ownerId: processId,
  attemptId: `${processId}.1`,
  ttl: 30_000,
  onlyIfOwned: false,
  processId,
  queue: true,
  ...more,
});

const acquire = async (request: LeaseRequest): Promise<unknown> => provider.acquire(request);
const release = async (ownerId: string): Promise<unknown> => provider.release({ keys: ['k'], ownerId });

/** The attempt that holds the key, and the processes whose queue entries count. */
async function state(): Promise<{ holder: string | undefined; queue: string[] }> {
  const value = await redis.raw.get('lock:k');
  const places = await redis.raw.hgetall(QUEUE);
  const queue = (await redis.raw.lrange(ORDER, 0, -1)).filter((processId) => places[processId] !== undefined);
  return { holder: value?.split(':')[2]?.replace('!,', ''), queue: [...new Set(queue)] };
}

beforeEach(async () => {
  await redis.raw.acl('SETUSER', 'locks', 'reset', 'on', '>pw', '~lock:*', '&lock:*', ...ALLOWED);
  [provider] = (await Promise.all(['first', 'second'].map(open))) as [RedisLockingProvider];
  await acquire(requestOf('holder', { queue: false }));
  for (const processId of ['first', 'second']) await acquire(requestOf(processId));
  expect(await state()).toEqual({ holder: 'holder.1', queue: ['first', 'second'] });
});

afterEach(async () => {
  await redis.raw.config('SET', 'maxmemory', '0');
  await Promise.all(opened.splice(0).map((process) => process.close()));
});

/** Events that free the key, or find it free, and should hand it to the first process in the queue. */
const ways = {
  'the holder releases it': async () => release('holder'),
  'an operator revokes it': async () => provider.revoke(['k']),
  'a newcomer finds it free': async () => {
    await redis.raw.del('lock:k');
    return acquire(requestOf('newcomer', { queue: false }));
  },
  'a newcomer for several keys finds it free': async () => {
    await redis.raw.del('lock:k');
    return acquire(requestOf('newcomer', { keys: ['k', 'l'], queue: false }));
  },
  'the first waiter finds it free': async () => {
    await redis.raw.del('lock:k');
    return acquire(requestOf('first'));
  },
};

describe.each(Object.entries(ways))('when %s', (_, way) => {
  it('an unusable token counter removes no process from the queue', async () => {
    await redis.raw.set(FENCE, 'not a number');
    await way().catch(() => undefined);
    const { holder, queue } = await state();
    expect(queue).toEqual(['first', 'second']);
    // A release works without the counter.
    expect(holder).toBeUndefined();
    await redis.raw.del(FENCE);
    await acquire(requestOf('second'));
    expect(await state()).toEqual({ holder: 'first.1', queue: ['second'] });
  });

  it.each(['1.5', '0x10', '007', ' 7', '1e3'])(
    'a token counter that reads %j removes no process from the queue',
    async (counter) => {
      await redis.raw.set(FENCE, counter);
      await way().catch(() => undefined);
      expect((await state()).queue).toEqual(['first', 'second']);
    },
  );

  it('a server without memory hands the key to the first process all the same', async () => {
    await redis.raw.config('SET', 'maxmemory', '1');
    await way();
    expect(await state()).toEqual({ holder: 'first.1', queue: ['second'] });
  });

  it.each(WRITES)('a script that stops at %s removes no process from the queue', async (command) => {
    await redis.raw.acl('SETUSER', 'locks', `-${command}`);
    await way().catch(() => undefined);
    const { holder, queue } = await state();
    expect(holder === 'first.1' || queue[0] === 'first').toBe(true);
    expect(queue).toContain('second');
  });
});

it('a key without a token fails alone: other requests of the batch join their queues', async () => {
  await redis.raw.set(FENCE, 'not a number');
  const [held, free] = provider.acquireBatch([
    requestOf('third', { attemptId: 'third.1' }),
    requestOf('third', { attemptId: 'third.2', keys: ['free'] }),
  ]);
  const [answer, error] = await Promise.all([held, rejectionOf(Promise.resolve(free!))]);
  expect(answer).toMatchObject({ granted: false, queued: true });
  expect(error.message).toMatch(/^BADFENCE/);
  expect((await state()).queue).toEqual(['first', 'second', 'third']);
});
