import { describe, expect, it } from '@jest/globals';
import { isLockTimeoutError, type LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { useRawRedis } from '../support/raw-redis.js';
import { onEveryStore } from '../support/stores.js';

const CROWD = 10_000;
const PATIENT = { timeout: '10m', reentrant: false } as const;

const crowd = <T>(make: (index: number) => T): T[] => Array.from({ length: CROWD }, (_, index) => make(index));

/** Expects that the key is free and has no waiters. */
async function expectFree(locking: LockingService): Promise<void> {
  const lock = await locking.acquire('k');
  expect((await locking.inspect('k'))?.waiters).toBe(0);
  await lock.release();
  expect(await locking.inspect('k')).toBeNull();
}

onEveryStore((store) => {
  describe('ten thousand waiters for one key', () => {
    it('ten thousand waiters are all served, first come first served, one at a time', async () => {
      const locking = await store.open();
      const lock = await locking.acquire('k');
      const served: number[] = [];
      let inside = 0;
      const jobs = crowd((index) =>
        locking.execute(
          'k',
          async () => {
            inside += 1;
            expect(inside).toBe(1);
            await Promise.resolve();
            served.push(index);
            inside -= 1;
          },
          PATIENT,
        ),
      );
      expect((await locking.inspect('k'))?.waiters).toBe(CROWD);
      await lock.release();
      await Promise.all(jobs);
      expect(served).toEqual(crowd((index) => index));
      await expectFree(locking);
    }, 120_000);

    it.each([
      ['one signal that all share', true],
      ['a signal each', false],
    ])(
      'are all sent away by %s',
      async (_, shared) => {
        const locking = await store.open();
        const lock = await locking.acquire('k');
        const aborts = shared ? [new AbortController()] : crowd(() => new AbortController());
        const reason = new Error('enough');
        const waits = crowd((index) =>
          locking.acquire('k', { ...PATIENT, signal: aborts[shared ? 0 : index]?.signal }).then(
            () => 'served',
            (error: unknown) => error,
          ),
        );
        expect((await locking.inspect('k'))?.waiters).toBe(CROWD);
        // From the end, so that each aborted waiter has others before it.
        for (const abort of aborts.reverse()) abort.abort(reason);
        expect(new Set(await Promise.all(waits))).toEqual(new Set([reason]));
        expect((await locking.inspect('k'))?.waiters).toBe(0);
        await lock.release();
        await expectFree(locking);
      },
      120_000,
    );

    it('ten thousand waits all end in time', async () => {
      const locking = await store.open();
      const lock = await locking.acquire('k');
      const waits = crowd(() => locking.acquire('k', { timeout: '500ms' }).catch(isLockTimeoutError));
      expect(new Set(await Promise.all(waits))).toEqual(new Set([true]));
      await lock.release();
      await expectFree(locking);
    }, 120_000);

    it('ten thousand waiters are all rejected at shutdown', async () => {
      const application = await store.openApplication();
      const { LockingService: service } = await import('../../lib/index.js');
      const locking = application.get(service);
      await locking.acquire('k');
      const waits = crowd(() => locking.acquire('k', PATIENT).catch((error: unknown) => (error as Error).message));
      await application.close();
      expect(new Set(await Promise.all(waits))).toEqual(
        new Set(['"k" was not locked: the application is shutting down.']),
      );
    }, 120_000);
  });

  describe('many locks of one process', () => {
    it('many locks of one process are all held, listed, renewed and released', async () => {
      const locking = await store.open({ expire: '1h' });
      const locks = [];
      for (let start = 0; start < 5; start += 1) {
        locks.push(...(await Promise.all(crowd((index) => locking.acquire(`k${start}:${index}`)))));
      }
      expect(locks).toHaveLength(5 * CROWD);
      expect(new Set(locks.map(({ keys: [key] }) => key)).size).toBe(5 * CROWD);
      let listed = 0;
      for await (const { ttl } of locking.list()) if (ttl !== null && ttl > 0) listed += 1;
      // A lock that a busy machine could not renew in time is lost, and says so.
      const lost = locks.filter(({ held }) => !held).length;
      expect(listed).toBeGreaterThanOrEqual(5 * CROWD - lost);
      const freed = await locking.releaseAll();
      expect(freed).toBeGreaterThanOrEqual(5 * CROWD - lost);
      for await (const { key } of locking.list()) throw new Error(`${key} is left`);
    }, 240_000);
  });
});

describe('on Redis', () => {
  const redis = useRawRedis();
  const applications = useApplications();

  /** How many commands the server has run for clients, without those inside scripts. */
  const scriptCalls = async (): Promise<number> =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.raw.info('commandstats'))?.[1] ?? 0);

  it('a crowd costs a handful of commands while it waits, and while it is served', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const { locking: elsewhere } = await applications.onRedis({ redisUrl: redis.url });
    const lock = await elsewhere.acquire('k');
    const since = performance.now();
    await redis.raw.config('RESETSTAT');
    const jobs = crowd(() => locking.execute('k', () => undefined, PATIENT));
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const seconds = Math.ceil((performance.now() - since) / 1000);
    expect(await scriptCalls()).toBeLessThan(10 + 4 * seconds);
    await lock.release();
    await Promise.all(jobs);
    const all = Math.ceil((performance.now() - since) / 1000);
    // A lease has a token block: thousands of waiters are served with each.
    expect(await scriptCalls()).toBeLessThan(200 + 10 * all);
  }, 120_000);

  it('ten thousand locks go out in batches', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await redis.raw.config('RESETSTAT');
    const locks = await Promise.all(crowd((index) => locking.acquire(`k${index}`)));
    expect(await scriptCalls()).toBeLessThan(CROWD / 40);
    await Promise.all(locks.map((lock) => lock.release()));
    expect(await scriptCalls()).toBeLessThan(CROWD / 20);
    expect(await redis.raw.dbsize()).toBe(1);
  }, 120_000);
});
