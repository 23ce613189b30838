import { describe, expect, it } from '@jest/globals';
import { LockBackendError, LockingModule, LockLostError } from '../../lib/index.js';
import { deferred } from '../support/deferred.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';

const applications = useApplications();
const redis = useRawRedis();
const FENCE = 'lock:nestjs-locking:fence';

describe('app.close()', () => {
  it('app.close() leaves nothing held, and nothing in the store but the token counter', async () => {
    const { app, locking } = await applications.onRedis({ redisUrl: redis.url });
    const locks = [
      await locking.acquire('renewed'),
      await locking.acquire(['several', 'keys'], { expire: '1m' }),
      await locking.acquire('owned', { ownerId: 'me' }),
      await locking.acquire('owned for a while', { ownerId: 'me', expire: '1m' }),
    ];
    expect(await redis.raw.dbsize()).toBe(6);

    await app.close();
    expect(await redis.raw.keys('*')).toEqual([FENCE]);
    for (const { held, signal } of locks) expect([held, signal.aborted]).toEqual([false, true]);
  });

  it('app.close() does not release locks of other applications', async () => {
    const [one, two] = [
      await applications.onRedis({ redisUrl: redis.url }),
      await applications.onRedis({ redisUrl: redis.url }),
    ];
    const lock = await two.locking.acquire('theirs');
    await one.locking.acquire('ours');
    await one.app.close();
    expect((await redis.raw.keys('*')).sort()).toEqual([FENCE, 'lock:theirs']);
    expect(lock.held).toBe(true);
  });

  it('an application that closes acquires no new locks', async () => {
    const { app, locking } = await applications.onRedis({ redisUrl: redis.url });
    await app.close();
    let ran = false;
    const job = (): boolean => (ran = true);
    for (const call of [
      () => locking.execute('k', job),
      () => locking.acquire('k'),
      () => locking.tryAcquire(['k', 'l'], { ownerId: 'me' }),
    ]) {
      const error = await rejectionOf(call());
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error).toMatchObject({ reason: 'shutdown' });
      expect(error.message).toMatch(/^"k"(, "l")? was not locked: the application is shutting down\.$/);
    }
    expect(await rejectionOf(locking.inspect('k'))).toBeInstanceOf(LockBackendError);
    expect(ran).toBe(false);
  });

  it('app.close() rejects waiters at once, whichever process holds the key', async () => {
    const { app, locking } = await applications.onRedis({ redisUrl: redis.url });
    await redis.raw.set('lock:foreign', 'x', 'PX', 60_000);
    await locking.acquire('own');
    const since = performance.now();
    const waiting = ['own', 'own', 'foreign', 'foreign'].map((key) =>
      rejectionOf(locking.execute(key, () => 'never', { timeout: '1m' })),
    );
    await app.close();
    for (const error of await Promise.all(waiting)) {
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error).toMatchObject({ reason: 'shutdown' });
      expect(error.message).toContain('the application is shutting down');
    }
    expect(performance.now() - since).toBeLessThan(2000);
    expect((await redis.raw.keys('*')).sort()).toEqual(['lock:foreign', FENCE]);
  });

  it('app.close() waits for running jobs, which hold their locks until they end', async () => {
    const { app, locking, log } = await applications.onRedis({ redisUrl: redis.url });
    const started = deferred();
    const finish = deferred();
    const job = locking.execute('k', async ({ signal }) => {
      started.resolve();
      await finish.promise;
      // During the shutdown a job may join the locks that it holds, but acquire no new ones.
      await locking.execute('k', () => undefined);
      return { aborted: signal.aborted, nested: await rejectionOf(locking.acquire('new')) };
    });
    await started.promise;
    let closed = false;
    const closing = app.close().then(() => (closed = true));
    await eventually(async () => (await rejectionOf(locking.acquire('x'))).message.includes('shutting down'));
    expect(await redis.raw.exists('lock:k')).toBe(1);
    expect(closed).toBe(false);

    finish.resolve();
    const { aborted, nested } = await job;
    await closing;
    expect(aborted).toBe(false);
    expect(nested).toBeInstanceOf(LockBackendError);
    expect(await redis.raw.keys('*')).toEqual([FENCE]);
    expect(log.of('warn')).toEqual([]);
  });

  it('app.close() waits for drainTimeout at most, then releases the locks of the jobs and says so', async () => {
    const { app, locking, log } = await applications.onRedis({ redisUrl: redis.url, drainTimeout: '50ms' });
    const started = deferred<AbortSignal>();
    const finish = deferred();
    const job = rejectionOf(
      locking.execute('k', async ({ signal }) => {
        started.resolve(signal);
        await finish.promise;
        return 'result';
      }),
    );
    const signal = await started.promise;
    await app.close();
    expect(log.of('warn')).toEqual([
      '1 job(s) still ran under a lock 50 ms after the shutdown began; their locks are released. Raise drainTimeout if they need longer.',
    ]);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(LockLostError);
    expect(await redis.raw.keys('*')).toEqual([FENCE]);

    finish.resolve();
    const error = (await job) as LockLostError;
    expect(error).toBeInstanceOf(LockLostError);
    expect(error.outcome).toEqual({ status: 'fulfilled', value: 'result' });
  });

  it('app.close() cancels an acquire that is under way', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { app, locking } = await applications.onRedis({ redisUrl: redis.url });
      const taking = rejectionOf(locking.acquire(`k${round}`));
      await app.close();
      expect(await taking).toBeInstanceOf(LockBackendError);
    }
    expect(await redis.raw.keys('*')).toEqual([FENCE]);
  });

  // Nest 11.0.1 to 11.2.10 and 12.0.1 do so if close() is called twice, or beside a signal.
  it('app.close() ends with the job when Nest calls the hooks twice at once', async () => {
    const { app, locking, log } = await applications.onRedis({ redisUrl: redis.url, drainTimeout: '20s' });
    const started = deferred();
    const finish = deferred();
    const job = locking.execute('k', async () => {
      started.resolve();
      await finish.promise;
    });
    await started.promise;
    const module = app.get(LockingModule);
    const shutDown = async (): Promise<void> => {
      await module.beforeApplicationShutdown();
      await module.onApplicationShutdown();
    };
    const shutdowns = [shutDown(), shutDown(), app.close()];
    finish.resolve();
    await job;
    await Promise.all(shutdowns);
    expect(await redis.raw.keys('*')).toEqual([FENCE]);
    expect(log.of('warn')).toEqual([]);
    expect(log.of('error')).toEqual([]);
  });

  it('app.close() closes the connection', async () => {
    const names = async (): Promise<string> => String(await redis.raw.client('LIST'));
    const redisOptions = { connectionName: 'locks-of-shop' };
    const { app } = await applications.onRedis({ redisUrl: redis.url, redisOptions });
    expect(await names()).toContain('name=locks-of-shop');
    await app.close();
    await eventually(async () => !(await names()).includes('name=locks-of-shop'));
  });

  it('app.close() with locks in memory waits for jobs, rejects waiters and releases locks', async () => {
    const { app, locking } = await applications.withLocks();
    const started = deferred();
    const finish = deferred();
    const job = locking.execute('k', async () => {
      started.resolve();
      await finish.promise;
      return 'done';
    });
    await started.promise;
    const waiting = rejectionOf(locking.acquire('k', { timeout: '1m' }));
    const lock = await locking.acquire('held');
    const closing = app.close();
    expect((await waiting).message).toContain('the application is shutting down');
    finish.resolve();
    expect(await job).toBe('done');
    await closing;
    expect(lock.held).toBe(false);
    expect(await rejectionOf(locking.acquire('k'))).toBeInstanceOf(LockBackendError);
  });
});
