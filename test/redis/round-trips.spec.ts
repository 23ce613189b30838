import { describe, expect, it } from '@jest/globals';
import { useApplications, type StartedApplication } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { expectDirectHandOff } from '../support/expect-hand-off.js';
import { times } from '../support/shared-store.js';
import { callsFor, scriptCalls, untilQueued } from '../support/store-view.js';

const redis = useRawRedis();
const applications = useApplications();

/** An application whose server knows the scripts. */
async function start(): Promise<StartedApplication> {
  const application = await applications.onRedis({ redisUrl: redis.url });
  await application.locking.execute('warm', (lock) => lock.extend());
  await application.locking.execute(['warm', 'up'], () => undefined);
  return application;
}

describe('round trips', () => {
  it('an acquire and its release take one round trip each', async () => {
    const { locking } = await start();
    const lock = await locking.acquire('k');
    expect(await callsFor(redis.raw, async () => locking.acquire('l'))).toBe(1);
    expect(await callsFor(redis.raw, async () => lock.release())).toBe(1);
    expect(await callsFor(redis.raw, async () => locking.execute('m', () => undefined))).toBe(2);
    expect(await callsFor(redis.raw, async () => locking.execute(['n', 'o', 'p'], () => undefined))).toBe(2);
    expect(await callsFor(redis.raw, async () => locking.tryAcquire('q'))).toBe(1);
  });

  it('locks use no command except EVALSHA', async () => {
    const { locking } = await start();
    await redis.raw.config('RESETSTAT');
    for (let call = 0; call < 10; call += 1) await locking.execute('k', () => undefined);
    const stats = await redis.raw.info('commandstats');
    expect(stats).toMatch(/cmdstat_evalsha:calls=20,/);
    // The statistics also count the commands inside scripts.
    const commands = [...stats.matchAll(/cmdstat_([a-z|]+):/g)].map(([, name]) => name!);
    const inside = /^(evalsha|time|m?get|set|exists|del|incr(by)?)$/;
    expect(commands.filter((name) => !inside.test(name))).toEqual(['config|resetstat']);
  });

  it('100 locks at once take one round trip each way, in two calls', async () => {
    const { locking } = await start();
    const keys = times(100, (index) => `k${index}`);
    const acquiring = async () => Promise.all(keys.map((key) => locking.acquire(key)));
    let locks: Awaited<ReturnType<typeof acquiring>> = [];
    expect(await callsFor(redis.raw, async () => (locks = await acquiring()))).toBe(2);
    expect(new Set(locks.map(({ fencingToken }) => fencingToken)).size).toBe(100);
    expect(await redis.raw.exists(keys.map((key) => `lock:${key}`))).toBe(100);
    const releasing = async () => Promise.all(locks.map((lock) => lock.release()));
    expect(await callsFor(redis.raw, releasing)).toBe(2);
    expect(await redis.raw.dbsize()).toBe(1);
  });

  it('1,000 locks at once take calls of 50 each way', async () => {
    const { locking } = await start();
    const acquiring = async () => Promise.all(times(1000, (index) => locking.acquire(`k${index}`)));
    let locks: Awaited<ReturnType<typeof acquiring>> = [];
    expect(await callsFor(redis.raw, async () => (locks = await acquiring()))).toBe(20);
    expect(await redis.raw.dbsize()).toBe(1001);
    expect(await callsFor(redis.raw, async () => Promise.all(locks.map((lock) => lock.release())))).toBe(20);
    expect(await redis.raw.dbsize()).toBe(1);
  });

  it('the next waiter of the same process needs no round trip', async () => {
    const { locking } = await start();
    const jobs = async () => Promise.all(times(20, () => locking.execute('k', () => undefined)));
    // Without a subscription, a process gives way after 20 ms.
    await eventually(async () => (await callsFor(redis.raw, jobs)) === 2);
  });

  it('hand-off to a waiting process takes one round trip', async () => {
    const [holder, waiter] = [await start(), await start()];
    await expectDirectHandOff(redis.raw, holder.locking, waiter.locking);
  });

  it('the renewal of 150 leases takes one round trip', async () => {
    const { locking } = await start();
    await Promise.all(times(150, (index) => locking.acquire(`k${index}`, { expire: '900ms', renew: true })));
    await redis.raw.config('RESETSTAT');
    await eventually(async () => (await scriptCalls(redis.raw)) > 0);
    expect(await redis.raw.pttl('lock:k0')).toBeGreaterThan(700);
    expect(await redis.raw.pttl('lock:k149')).toBeGreaterThan(700);
    expect(await scriptCalls(redis.raw)).toBe(1);
  });

  it('500 waiters of a held key take at most two round trips a second', async () => {
    const [holder, waiter] = [await start(), await start()];
    const lock = await holder.locking.acquire('k');
    const waiting = times(500, () => waiter.locking.execute('k', () => undefined, { timeout: '20s' }));
    await untilQueued(redis.raw, 'k', 1);
    const since = performance.now();
    await redis.raw.config('RESETSTAT');
    await eventually(async () => (await redis.raw.pttl('lock:k')) < 26_000);
    const calls = await scriptCalls(redis.raw);
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThanOrEqual(2 * ((performance.now() - since) / 1000));
    await lock.release();
    await Promise.all(waiting);
  });
});
