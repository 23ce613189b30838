import { afterEach, describe, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from '../support/poll.js';
import { useClusterStore, useRedisCluster } from '../support/cluster.js';
import { thaw } from '../support/redis-nodes.js';
import type { RedisClusterNode } from '../../tools/redis-server/index.mjs';

// The cluster must not call the frozen node down, as its slots have no other node.
const redis = useRedisCluster({ replicas: 0, config: { 'cluster-node-timeout': '30000' } });
const store = useClusterStore(redis);

afterEach(() => {
  for (const { server } of redis.cluster.nodes) thaw(server);
});

/** How many subscriptions to wake-ups the node has. */
async function subscriptionsOn({ url }: RedisClusterNode): Promise<number> {
  const raw = new Redis(url, { lazyConnect: true });
  await raw.connect();
  const channels = (await raw.pubsub('CHANNELS', '*wake:*')) as string[];
  raw.disconnect();
  return channels.length;
}

describe('a frozen cluster node that carries subscriptions', () => {
  it('a frozen node with subscriptions does not delay hand-offs on the slots of other nodes', async () => {
    const [holder, waiter] = [await store.open(), await store.open()];
    const nodes = redis.cluster.nodes;
    // Both processes are subscribed from now on.
    const first = await holder.acquire('a');
    const second = waiter.acquire('a', { timeout: '20s' });
    await eventually(async () => (await holder.inspect('a'))?.waiters === 1);
    await first.release();
    await (await second).release();

    for (const frozen of nodes) {
      const carried = await subscriptionsOn(frozen);
      const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
      const owners = await Promise.all(
        keys.map(async (key) => (await redis.cluster.masterOf(store.namespace + key)).port),
      );
      const key = keys[owners.findIndex((port) => port !== frozen.port)]!;
      await holder.execute(key, () => undefined);
      await waiter.execute(key, () => undefined);
      let took = 0;
      frozen.server.kill('SIGSTOP');
      for (let round = 0; round < 5; round += 1) {
        const lock = await holder.acquire(key, { timeout: '20s' });
        const waiting = waiter.acquire(key, { timeout: '20s' });
        await eventually(async () => (await holder.inspect(key))?.waiters === 1);
        const since = performance.now();
        await lock.release();
        const next = await waiting;
        took += performance.now() - since;
        await next.release();
      }
      thaw(frozen.server);
      // A process without its message asks within a second; here all five get their messages.
      if (took >= 2500) throw new Error(`with ${carried} subscriptions it took ${took} ms`);
      await redis.cluster.ready();
    }
  }, 120_000);
});
