import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { LockBackendError } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { untilClean } from '../support/store-view.js';

const redis = useRawRedis();
const applications = useApplications();

/** Cuts every connection except that of the raw client. */
const cut = (): Promise<unknown> => redis.raw.call('CLIENT', 'KILL', 'TYPE', 'normal');

describe('a connection that is cut', () => {
  it('a call that comes before the client has noticed the cut fails in our own words', async () => {
    const client = new Redis(redis.url, { enableOfflineQueue: false });
    await once(client, 'ready');
    const { locking } = await applications.onRedis({ client });
    client.stream.destroy();
    expect(client.status).toBe('ready');
    const error = await rejectionOf(locking.acquire('k'));
    client.disconnect();
    expect(error.message).toMatch(/^Could not lock "k": not connected to Redis\b.* Check that the store is up/);
  });

  it('the client reconnects after a cut, so that calls work within a second', async () => {
    const { locking, log } = await applications.onRedis({ redisUrl: redis.url });
    for (let round = 1; round <= 3; round += 1) {
      await cut();
      const since = performance.now();
      await eventually(async () => {
        const result = await locking.execute('k', () => 'ran').catch((error: unknown) => error);
        if (result !== 'ran') expect(result).toBeInstanceOf(LockBackendError);
        return result === 'ran' && log.of('log').length === 1 + round;
      });
      expect(performance.now() - since).toBeLessThan(1000);
    }
    await untilClean(redis.raw);
  });

  it('a lost connection is logged once, and so is its return', async () => {
    const { log } = await applications.onRedis({ redisUrl: redis.url });
    await cut();
    await eventually(() => log.of('log').length === 2);
    expect(log.of('warn')).toEqual([expect.stringMatching(/^Connection to Redis in "locking-redis" provider lost/)]);
  });

  it('a holder keeps its lock when connections are cut', async () => {
    const { locking, log } = await applications.onRedis({ redisUrl: redis.url, expire: '1s' });
    const result = await locking.execute('k', async ({ signal }) => {
      const before = await redis.raw.get('lock:k');
      await cut();
      await eventually(() => log.of('log').length === 2);
      // The lease is renewed after a third of its length: it is above two thirds again after it was below.
      await eventually(async () => (await redis.raw.pttl('lock:k')) < 700);
      await eventually(async () => (await redis.raw.pttl('lock:k')) > 800);
      return [signal.aborted, (await redis.raw.get('lock:k')) === before];
    });
    expect(result).toEqual([false, true]);
  });

  it('waiters go on waiting when connections are cut', async () => {
    const [holder, waiter] = [
      await applications.onRedis({ redisUrl: redis.url }),
      await applications.onRedis({ redisUrl: redis.url }),
    ];
    const lock = await holder.locking.acquire('k');
    await redis.raw.config('RESETSTAT');
    const order: string[] = [];
    const waiting = ['first', 'second', 'third'].map((name) =>
      waiter.locking.execute('k', () => order.push(name), { timeout: '20s' }),
    );
    await eventually(async () => (await redis.raw.info('commandstats')).includes('cmdstat_evalsha:'));
    for (let round = 1; round <= 2; round += 1) {
      await cut();
      // Nest has one Logger per process: the application that started last gets the messages of both.
      await eventually(() => waiter.log.of('log').length === 1 + 2 * round);
    }
    expect(lock.held).toBe(true);
    expect(order).toEqual([]);
    expect(await lock.release()).toBe(true);
    await Promise.all(waiting);
    expect(order).toEqual(['first', 'second', 'third']);
    await untilClean(redis.raw);
  });

  it('a call whose connection is cut leaves nothing held, whether it arrived or not', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    for (let round = 0; round < 3; round += 1) {
      const calls = Array.from({ length: 20 }, (_, index) => locking.execute(`k${index}`, () => 'ran'));
      const [results] = await Promise.all([Promise.allSettled(calls), cut()]);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(LockBackendError);
        else expect(result.value).toBe('ran');
      }
      await eventually(async () => (await locking.inspect('k0').catch(() => undefined)) === null);
    }
    // The late requests of a connection that was cut before it was named are refused for long.
    await untilClean(redis.raw);
  });
});

describe('a server that goes and comes back', () => {
  it('holders learn that a restarted server has lost their locks, and the server grants new ones', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url, expire: '900ms' });
    const lock = await locking.acquire('k');
    await redis.server.restart();
    await eventually(() => lock.signal.aborted, 25_000);
    expect(lock.held).toBe(false);
    await eventually(async () => (await locking.execute('k', () => 1).catch(() => 0)) === 1);
  });

  it('calls fail at once, with the cause, while the server is away', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await redis.server.stop();
    await eventually(async () => (await rejectionOf(locking.inspect('k'))).message.includes('ECONNREFUSED'));
    const since = performance.now();
    const error = await rejectionOf(locking.execute('k', () => 'never', { timeout: '1m' }));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toMatch(/^Could not lock "k": not connected to Redis \(connect ECONNREFUSED .*\)\. Check/);
    expect(performance.now() - since).toBeLessThan(500);
  });
});
