import { describe, expect, it, jest } from '@jest/globals';
import { isLockBackendError, type LockingService, type RedisLockingProviderOptions } from '../../lib/index.js';
import { useApplications, type StartedApplication } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { BusyKeys } from '../support/busy-keys.js';
import { listeners, look, useSentinels } from '../support/sentinels.js';
import type { SentinelGroup } from '../../tools/redis-server/index.mjs';

jest.setTimeout(120_000);

const applications = useApplications();

/** The limit for a promise of 2 s on a busy machine. */
const SOON = 5000;

const start = (
  { sentinels, name }: SentinelGroup,
  options?: RedisLockingProviderOptions,
): Promise<StartedApplication> => applications.onRedis({ redisOptions: { sentinels, name }, ...options });

/** Resolves once a lock can be acquired again. No error but "the store cannot be reached" may come before. */
async function untilLocking(locking: LockingService, key: string): Promise<number> {
  let token = 0;
  await eventually(async () => {
    try {
      token = await locking.execute(key, (lock) => lock.fencingToken);
      return true;
    } catch (error) {
      if (!isLockBackendError(error)) throw error;
      return false;
    }
  }, SOON);
  return token;
}

describe('a key that is busy during a planned failover', () => {
  // Two replicas, so that the new master has one, as the former master is none for 8 s and more.
  const group = useSentinels({ hurry: false, replicas: 2 });

  it.each([0, 1])(
    'a key that is busy during a planned failover is granted within seconds, not after a lease (minReplicas: %i)',
    async (minReplicas) => {
      await group().settled();
      const services = await Promise.all([1, 2, 3].map(async () => (await start(group(), { minReplicas })).locking));
      const keys = new BusyKeys(services, ['x', 'y', 'z']);
      await eventually(() => keys.fewest(0) > 20, 20_000);
      await group().failover();
      const moved = performance.now();
      await eventually(() => keys.fewest(moved) > 20, 60_000);
      const pause = keys.longestPause(moved);
      await keys.stop();
      // The lease is 30 s: releases that only the former master got are repeated.
      expect(pause).toBeLessThan(SOON);
    },
  );
});

describe('a planned failover', () => {
  // As in real life, the former master accepts writes for 8 s and more.
  const group = useSentinels({ hurry: false });

  it('commands and wake-ups move to the new master of a planned failover, with locks held and waited for', async () => {
    const [one, two] = [await start(group()), await start(group())];
    const before = await group().master();
    const lock = await one.locking.acquire('k');
    const order: string[] = [];
    const waiting = [two, one].map(({ locking }, index) =>
      locking.execute('k', () => order.push(`waiter ${String(index)}`), { timeout: '60s' }),
    );
    await eventually(async () => (await listeners(before)) === 2);
    const replica = group().servers.find((server) => server !== before);
    await eventually(async () => (await look(replica!, (client) => client.exists('lock:k'))) === 1);

    const after = await group().failover();
    expect(await untilLocking(one.locking, 'other')).toBeGreaterThan(lock.fencingToken);
    await untilLocking(two.locking, 'another');
    await eventually(async () => (await listeners(after)) === 2, SOON);
    // The former master would still grant locks to a client that stayed.
    expect(await look(before, (client) => client.info('replication'))).toContain('role:master');
    expect(await look(before, (client) => client.exists('lock:nestjs-locking:fence'))).toBe(1);

    expect(lock.held).toBe(true);
    expect(order).toEqual([]);
    expect(await lock.release()).toBe(true);
    await Promise.all(waiting);
    expect(order.sort()).toEqual(['waiter 0', 'waiter 1']);
    expect(await untilLocking(two.locking, 'k')).toBeGreaterThan(lock.fencingToken);
  });
});

describe('a master that is killed', () => {
  const group = useSentinels();

  it('after a killed master is replaced, locks stay held, waiters are served, and tokens rise', async () => {
    const [one, two] = [await start(group()), await start(group())];
    let last = 0;
    for (let round = 1; round <= 3; round += 1) {
      await group().settled();
      // What the sentinels say of a server that has come back may make a client connect once more.
      await untilLocking(one.locking, 'other');
      await untilLocking(two.locking, 'another');
      const before = await group().master();
      const key = `k${String(round)}`;
      const lock = await one.locking.acquire(key);
      expect(lock.fencingToken).toBeGreaterThan(last);
      const waiting = two.locking.execute(key, ({ fencingToken }) => fencingToken, { timeout: '60s' });
      const replica = group().servers.find((server) => server !== before);
      await eventually(async () => (await look(replica!, (client) => client.exists(`lock:${key}`))) === 1);
      await eventually(async () => (await listeners(before)) >= 1);

      before.kill('SIGKILL');
      const after = await group().elected(before);
      await untilLocking(one.locking, 'other');
      await untilLocking(two.locking, 'another');
      await eventually(async () => (await listeners(after)) >= 1, SOON);

      expect(lock.held).toBe(true);
      expect(await one.locking.inspect(key)).toMatchObject({ ownerId: lock.ownerId });
      await lock.release();
      last = await waiting;
      expect(last).toBeGreaterThan(lock.fencingToken);
      await before.restart();
    }
  });
});
