import { describe, expect, it } from '@jest/globals';
import { RedisLockingProvider, type LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { expectDirectHandOff } from '../support/expect-hand-off.js';
import { subscribers, untilClean, untilQueued } from '../support/store-view.js';

const redis = useRawRedis();
const applications = useApplications();

const start = async (): Promise<LockingService> => (await applications.onRedis({ redisUrl: redis.url })).locking;

const cutSubscriptions = (): Promise<unknown> => redis.raw.call('CLIENT', 'KILL', 'TYPE', 'PUBSUB');

describe('a subscription that is cut', () => {
  it('a cut subscription delays a waiter by about a second, and works again afterwards', async () => {
    const [holder, waiter] = await Promise.all([start(), start()]);
    const lock = await holder.acquire('k');
    const waiting = waiter.acquire('k', { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 1);
    await cutSubscriptions();
    expect(await lock.release()).toBe(true);
    const since = performance.now();
    await (await waiting).release();
    expect(performance.now() - since).toBeLessThan(3000);
    await eventually(async () => (await subscribers(redis.raw)) === 1);
    await expectDirectHandOff(redis.raw, holder, waiter);
    await untilClean(redis.raw);
  });

  it('a cut subscription is restored while a process waits, which then gets its wake-up', async () => {
    const [holder, waiter] = await Promise.all([start(), start()]);
    const lock = await holder.acquire('k');
    const waiting = waiter.acquire('k', { timeout: '20s' });
    for (let round = 0; round < 3; round += 1) {
      await untilQueued(redis.raw, 'k', 1);
      await cutSubscriptions();
      await eventually(async () => (await subscribers(redis.raw)) === 1);
    }
    await untilQueued(redis.raw, 'k', 1);
    await lock.release();
    await (await waiting).release();
    await expectDirectHandOff(redis.raw, holder, waiter);
  });

  it('all waiters are served after their subscriptions were cut', async () => {
    const [holder, ...waiters] = await Promise.all([start(), start(), start(), start()]);
    const lock = await holder.acquire('k');
    let served = 0;
    const waiting = waiters.map((waiter) => waiter.execute('k', () => (served += 1), { timeout: '20s' }));
    await untilQueued(redis.raw, 'k', 3);
    await cutSubscriptions();
    await lock.release();
    await Promise.all(waiting);
    expect(served).toBe(3);
    await untilClean(redis.raw);
  });
});

describe('an entry of a queue that expired', () => {
  it('a process joins a queue again if its entry has expired and tombstones have not', async () => {
    const [holder, first, second] = await Promise.all([start(), start(), start()]);
    const lock = await holder.acquire('k');
    const order: string[] = [];
    const ones = first.execute('k', () => order.push('first'), { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 1);
    // The list of the order has expired, the hash with the entry has not.
    await redis.raw.del('lock:nestjs-locking:order:k');
    const others = second.execute('k', () => order.push('second'), { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 2);
    await lock.release();
    await Promise.all([ones, others]);
    expect(order).toHaveLength(2);
    await untilClean(redis.raw);
  });

  it('tombstones do not keep the entries of an expired queue', async () => {
    await redis.raw.hset('lock:nestjs-locking:queue:k', 'gone', '1 30000 1 :gone.1:gone.1');
    await redis.raw.pexpire('lock:nestjs-locking:queue:k', 900_000);
    const provider = new RedisLockingProvider({ redisUrl: redis.url }, { id: 'locking-redis', warn: () => undefined });
    await provider.connect(() => undefined);
    const request = { keys: ['k'], ownerId: 'one', attemptId: 'one.1', processId: 'address', pending: true };
    await provider.cancel(request);
    await provider.close();
    expect(await redis.raw.hkeys('lock:nestjs-locking:queue:k')).toEqual(['!one.1']);
    await redis.raw.del('lock:nestjs-locking:queue:k');
  });
});

describe('a provider whose subscription breaks', () => {
  it('the provider reports that its subscription is interrupted, and that it is restored', async () => {
    const provider = new RedisLockingProvider({ redisUrl: redis.url }, { id: 'locking-redis', warn: () => undefined });
    const told: string[] = [];
    const ignored = (): void => undefined;
    await provider.connect(ignored);
    await provider.listen('me', {
      ...{ granted: ignored, offered: ignored, contended: ignored, lost: ignored },
      interrupted: () => told.push('interrupted'),
      restored: () => told.push('restored'),
    });
    for (const round of [1, 2]) {
      await cutSubscriptions();
      await eventually(() => told.length === 2 * round);
    }
    await provider.close();
    expect(told).toEqual(['interrupted', 'restored', 'interrupted', 'restored']);
  });
});

describe('a queue', () => {
  it('a queue lasts as long as one of its entries has heartbeats', async () => {
    const [holder, waiter] = await Promise.all([start(), start()]);
    const lock = await holder.acquire('k');
    const waiting = waiter.acquire('k', { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 1);
    const names = ['order', 'queue'].map((kind) => `lock:nestjs-locking:${kind}:k`);
    // As if no process had asked for a while.
    for (const name of names) await redis.raw.pexpire(name, 4000);
    for (const name of names) {
      await eventually(async () => {
        const left = await redis.raw.pttl(name);
        // The record is extended, not made again after it has expired.
        expect(left).toBeGreaterThan(0);
        return left > 6000;
      });
    }
    await lock.release();
    await (await waiting).release();
    await untilClean(redis.raw);
  });
});

describe('a newcomer', () => {
  it('a newcomer gets nothing before a waiting process, however often it asks, also when the lease expires', async () => {
    const [holder, waiter, newcomer] = await Promise.all([start(), start(), start()]);
    const { fencingToken } = await holder.acquire('k', { expire: '900ms' });
    let served = 0;
    const waiting = waiter.execute('k', (lock) => (served = lock.fencingToken), { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 1);
    let refused = 0;
    for (;;) {
      const lock = await newcomer.tryAcquire('k');
      if (lock) {
        expect(lock.fencingToken).toBeGreaterThan(served);
        break;
      }
      refused += 1;
    }
    expect(refused).toBeGreaterThan(0);
    expect(served).toBeGreaterThan(fencingToken);
    await waiting;
  });
});

describe('a server that pauses', () => {
  it('a server that has paused hands the key off in order', async () => {
    const [holder, ...waiters] = await Promise.all([start(), start(), start()]);
    const lock = await holder.acquire('k');
    const order: number[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const [index, waiter] of waiters.entries()) {
      waiting.push(waiter.execute('k', () => order.push(index), { timeout: '20s' }));
      await untilQueued(redis.raw, 'k', index + 1);
    }
    await redis.raw.client('PAUSE', 500, 'WRITE');
    await Promise.all([lock.release(), ...waiting]);
    expect(order).toEqual([0, 1]);
    await untilClean(redis.raw);
  });

  it('a server that has paused leaves nothing held for a waiter that timed out meanwhile', async () => {
    const [holder, waiter, next] = await Promise.all([start(), start(), start()]);
    const lock = await holder.acquire('k');
    const givenUp = rejectionOf(waiter.acquire('k', { timeout: '400ms' }));
    await untilQueued(redis.raw, 'k', 1);
    const served = next.execute('k', () => 'served', { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 2);
    await redis.raw.client('PAUSE', 700, 'WRITE');
    const released = lock.release();
    expect(await givenUp).toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(await released).toBe(true);
    expect(await served).toBe('served');
    await untilClean(redis.raw);
  });
});
