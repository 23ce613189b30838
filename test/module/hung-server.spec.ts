import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { LockBackendError, RedisLockingProvider } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';

const redis = useRawRedis();

// The server goes on first: an application closes only slowly while it hangs.
afterEach(() => {
  redis.server.kill('SIGCONT');
  jest.restoreAllMocks();
});

const applications = useApplications();
const FENCE = 'lock:nestjs-locking:fence';

describe('a server that hangs', () => {
  it.each(['400ms', 1] as const)(
    'while the server hangs, a call with timeout %p fails in time, and nothing runs',
    async (timeout) => {
      const { locking } = await applications.onRedis({ redisUrl: redis.url });
      redis.server.kill('SIGSTOP');
      let ran = false;
      const since = performance.now();
      const error = await rejectionOf(locking.execute('k', () => (ran = true), { timeout }));
      const took = performance.now() - since;
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error.message).toMatch(/^The store did not say within \d+ ms whether "k" is free\. No job was run\./);
      const limit = timeout === 1 ? 1000 : 400;
      expect(took).toBeGreaterThan(limit - 10);
      expect(took).toBeLessThan(limit + 500);
      expect(ran).toBe(false);
    },
  );

  it('a server that goes on after it hung keeps nothing of cancelled attempts', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await redis.raw.config('RESETSTAT');
    redis.server.kill('SIGSTOP');
    const calls = ['a', 'b', ['c', 'd']].map((keys) => rejectionOf(locking.acquire(keys, { timeout: '100ms' })));
    for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(LockBackendError);

    redis.server.kill('SIGCONT');
    await eventually(async () => (await redis.raw.exists(FENCE)) === 1);
    await eventually(async () => (await redis.raw.dbsize()) === 1);
    expect(await locking.execute('a', () => 'free', { timeout: '100ms' })).toBe('free');
  });

  it('a server that goes on after it hung gets no more requests than there were attempts, and grants the next lock within a second', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await locking.execute('a', () => undefined);
    const releases = jest.spyOn(RedisLockingProvider.prototype, 'cancelBatch');
    redis.server.kill('SIGSTOP');
    const attempts = Array.from({ length: 2000 }, (_, index) =>
      rejectionOf(locking.acquire(`k${index}`, { timeout: '100ms' })),
    );
    // For the time limit of answers, and until the connection is closed.
    for (let calls = 0; calls < 2; calls += 1) await rejectionOf(locking.acquire('other', { timeout: '30s' }));
    await Promise.all(attempts);
    const soFar = releases.mock.calls.length;
    await eventually(() => releases.mock.calls.length >= soFar + 4);
    // One request for each, and then a few now and then, to find out whether the server can be reached.
    expect(releases.mock.calls.reduce((sum, [requests]) => sum + requests.length, 0)).toBeLessThan(3000);

    redis.server.kill('SIGCONT');
    const since = performance.now();
    await eventually(async () => (await locking.tryAcquire('fresh').catch(() => null)) !== null);
    expect(performance.now() - since).toBeLessThan(1000);
    await eventually(async () => (await redis.raw.exists('lock:k0')) === 0);
  });

  it('holders keep their locks until their leases expire, not longer, while the server hangs', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url, expire: '600ms' });
    const lock = await locking.acquire('k');
    redis.server.kill('SIGSTOP');
    const since = performance.now();
    await eventually(() => lock.signal.aborted, 25_000);
    expect(performance.now() - since).toBeLessThan(610);
    expect(lock.held).toBe(false);
  });

  it('a server that hangs at the start is reported after 5 seconds, or fails the start with failFast', async () => {
    redis.server.kill('SIGSTOP');
    const since = performance.now();
    const options = { redisUrl: redis.url, redisOptions: { connectionName: 'fast' }, failFast: true };
    const failing = rejectionOf(applications.onRedis(options));
    const { locking, log } = await applications.onRedis({ redisUrl: redis.url });
    const error = await failing;
    expect(performance.now() - since).toBeLessThan(6000);
    expect(log.of('error')).toEqual([
      'Connection to Redis in "locking-redis" provider failed: no answer within 5000 ms. Locked calls fail with LockBackendError until it is there',
    ]);
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toContain('no answer within 5000 ms');
    expect(await rejectionOf(locking.tryAcquire('k'))).toBeInstanceOf(LockBackendError);

    redis.server.kill('SIGCONT');
    await eventually(async () => !String(await redis.raw.client('LIST')).includes('name=fast'));
    await eventually(async () => (await locking.tryAcquire('k').catch(() => null)) !== null);
  });
});
