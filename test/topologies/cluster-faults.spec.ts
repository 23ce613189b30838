import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { LockingService } from '../../lib/index.js';
import { eventually } from '../support/poll.js';
import { BusyKeys } from '../support/busy-keys.js';
import { useClusterStore, useRedisCluster } from '../support/cluster.js';
import type { RedisClusterNode } from '../../tools/redis-server/index.mjs';

const redis = useRedisCluster();
const store = useClusterStore(redis);

/** The promised recovery takes 2 s; a busy machine may take more. */
const RECOVERY = 10_000;

async function masterOf(key: string): Promise<RedisClusterNode> {
  return redis.cluster.masterOf(store.namespace + key);
}

/** Resolves once `key` has `waiters` waiters. */
async function untilWaiting(services: readonly LockingService[], key: string, waiters: number): Promise<void> {
  await eventually(async () => (await services[0]!.inspect(key))?.waiters === waiters);
}

describe('a master that is killed', () => {
  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'after a master is killed by %s, its lock is kept, and waiters are served',
    async (signal) => {
      const services = await Promise.all(Array.from({ length: 3 }, async () => store.open()));
      const first = await services[0]!.acquire('a', { expire: '60s' });
      const waits = services.slice(1).map(async (service) => service.acquire('a', { timeout: '100s', expire: '60s' }));
      await untilWaiting(services, 'a', 2);
      const master = await masterOf('a');
      master.server.kill(signal);
      try {
        const key = store.namespace + 'a';
        await redis.cluster.newMasterOf(key, master, 60_000);
        const elected = performance.now();
        // A release that fails now is repeated until it succeeds.
        await first.release().catch(() => undefined);
        const second = await Promise.race(waits);
        expect(performance.now() - elected).toBeLessThan(RECOVERY);
        expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
        await second.release();
        const locks = await Promise.all(waits);
        const third = locks.find((lock) => lock !== second)!;
        expect(third.fencingToken).toBeGreaterThan(second.fencingToken);
        await third.release();
        await services[0]!.execute('a', () => undefined);
      } finally {
        await master.server.restart();
        await redis.cluster.ready();
      }
    },
    180_000,
  );
});

describe('a master whose replica takes over by force', () => {
  it('a forced takeover by a replica delays busy keys by seconds, not by a lease, as lost releases are repeated', async () => {
    await redis.cluster.ready();
    const services = await Promise.all(Array.from({ length: 3 }, async () => store.open()));
    const names = Array.from({ length: 8 }, (_, index) => `busy-${String(index)}`);
    const keys = new BusyKeys(services, names);
    await eventually(() => keys.fewest(0) > 20, 20_000);
    const before = await masterOf(names[0]!);
    const [replica] = await redis.cluster.replicasOf(before);
    const client = new Redis(replica!.port, replica!.host);
    await client.call('CLUSTER', 'FAILOVER', 'FORCE');
    client.disconnect();
    await redis.cluster.newMasterOf(store.namespace + names[0]!, before, 30_000);
    const elected = performance.now();
    await eventually(() => keys.fewest(elected) > 20, 60_000);
    const pause = keys.longestPause(elected);
    await keys.stop();
    expect(pause).toBeLessThan(RECOVERY / 2);
  }, 120_000);
});

describe('a slot that moves to another node', () => {
  it('locks and waiters survive the move of their slot', async () => {
    const services = await Promise.all(Array.from({ length: 3 }, async () => store.open()));
    const first = await services[0]!.acquire('a', { expire: '60s' });
    const waits = services.slice(1).map(async (service) => service.acquire('a', { timeout: '100s', expire: '60s' }));
    await untilWaiting(services, 'a', 2);
    const from = await masterOf('a');
    const masters = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(masterOf));
    const to = masters.find((node) => node !== from)!;
    const slot = await redis.cluster.slotOf(store.namespace + 'a');
    const migration = await redis.cluster.beginSlotMigration(slot, to);
    await migration.moveKeys(1);
    expect(await first.extend('90s')).toBe(true);
    expect(await services[0]!.tryAcquire('a').catch(() => null)).toBeNull();
    await migration.moveKeys();
    await migration.finish();
    expect(await masterOf('a')).toBe(to);
    expect(first.held).toBe(true);
    expect(await first.release()).toBe(true);
    const second = await Promise.race(waits);
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    await second.release();
    const locks = await Promise.all(waits);
    for (const lock of locks) await lock.release();
    expect(await services[0]!.inspect('a')).toBeNull();
  }, 120_000);

  it('an acquire of a free key waits for the move of its slot', async () => {
    const service = await store.open();
    const from = await masterOf('free');
    const masters = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(masterOf));
    const to = masters.find((node) => node !== from)!;
    const migration = await redis.cluster.beginSlotMigration(await redis.cluster.slotOf(store.namespace + 'free'), to);
    const asked = service.acquire('free');
    await migration.moveKeys();
    await migration.finish();
    await (await asked).release();
  }, 60_000);
});
