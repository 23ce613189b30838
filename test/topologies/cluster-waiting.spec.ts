import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from '../support/poll.js';
import { useClusterStore, useRedisCluster } from '../support/cluster.js';
import { useWorkers } from '../support/workers.js';

const redis = useRedisCluster({ replicas: 0 });
const store = useClusterStore(redis);
const start = useWorkers();
const onTestFinished: (() => void)[] = [];

afterEach(() => {
  for (const end of onTestFinished.splice(0)) end();
});

describe('waiting in a cluster', () => {
  it('in a cluster, a lock goes from process to process in the order in which they came', async () => {
    const services = await Promise.all(Array.from({ length: 5 }, async () => store.open()));
    for (const key of ['a', 'b', 'c']) {
      const first = await services[0]!.acquire(key, { expire: '60s' });
      const order: number[] = [];
      const waits: Promise<void>[] = [];
      for (const [index, service] of services.slice(1).entries()) {
        waits.push(service.execute(key, () => void order.push(index), { timeout: '50s' }));
        await eventually(async () => (await services[0]!.inspect(key))?.waiters === index + 1);
      }
      await first.release();
      await Promise.all(waits);
      expect(order).toEqual([0, 1, 2, 3]);
    }
  });

  it('in a cluster, a waiter gets its full lease, also one that never expires', async () => {
    const [one, other] = await Promise.all([store.open(), store.open()]);
    for (const [key, options, least] of [
      ['a', { expire: '60s' }, 50_000],
      ['b', { ownerId: 'me' }, null],
      ['c', { expire: '1s' }, 1],
    ] as const) {
      const first = await one.acquire(key, { expire: '60s' });
      const waiting = other.acquire(key, { timeout: '50s', ...options });
      await eventually(async () => (await one.inspect(key))?.waiters === 1);
      await first.release();
      const lock = await waiting;
      const { ttl } = (await one.inspect(key))!;
      if (least === null) expect(ttl).toBeNull();
      else expect(ttl).toBeGreaterThan(least);
      expect(lock.fencingToken).toBeGreaterThan(first.fencingToken);
      await lock.release();
    }
  });

  it.each([
    ['', []],
    [', also where a monitor hears every channel', ['*']],
  ])(
    'in a cluster, a waiting process that died is skipped within seconds, not after a lease%s',
    async (_, patterns) => {
      const monitors = redis.nodes.map(({ port }) => new Redis(port, '127.0.0.1', { disconnectTimeout: 100 }));
      onTestFinished.push(() => {
        for (const monitor of monitors) monitor.disconnect();
      });
      for (const pattern of patterns) await Promise.all(monitors.map(async (monitor) => monitor.psubscribe(pattern)));
      const service = await store.open({ namespace: 'lock:' } as object);
      const [dying] = await start({ nodes: redis.nodes }, 1);
      const first = await service.acquire('dead', { expire: '60s' });
      dying!.tell({ do: 'hold', key: 'dead', expire: '60s', timeout: '50s' });
      await eventually(async () => (await service.inspect('dead'))?.waiters === 1);
      const waiting = service.acquire('dead', { timeout: '50s', expire: '60s' });
      dying!.kill();
      const released = performance.now();
      await first.release();
      const lock = await waiting;
      expect(performance.now() - released).toBeLessThan(10_000);
      await lock.release();
    },
  );

  it('in a cluster, processes lose no update of a counter', async () => {
    const workers = await start({ nodes: redis.nodes }, 3);
    for (const worker of workers) worker.tell({ do: 'count', times: 100, locked: true });
    for (const worker of workers) await worker.hear('done');
    workers[0]!.tell({ do: 'tell' });
    expect((await workers[0]!.hear('counter')).counter).toBe(300);
  });
});
