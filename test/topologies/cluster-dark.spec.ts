import { describe, expect, it } from '@jest/globals';
import { Cluster, type ClusterOptions } from 'ioredis';
import { LockBackendError, type RedisLockingProviderOptions } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRedisCluster } from '../support/cluster.js';
import { useProxies, type TcpProxy } from '../support/tcp-proxy.js';

const redis = useRedisCluster({ replicas: 0 });
const startProxy = useProxies();
const applications = useApplications();

/** From the first call that fails until calls work again, in milliseconds. */
const RECOVERY = 10_000;
const PATIENCE = 60_000;

/** Puts the nodes behind proxies; returns options for ioredis, and the proxy before the master of a key. */
async function behindProxies() {
  const proxies = new Map<number, TcpProxy>();
  for (const { port } of redis.nodes) proxies.set(port, await startProxy(port));
  const at = (port: number) => ({ host: '127.0.0.1', port: proxies.get(port)!.port });
  const options = {
    natMap: (key: string) => at(Number(key.split(':')[1])),
    redisOptions: { disconnectTimeout: 100 },
  } satisfies ClusterOptions;
  const proxyOf = async (key: string) => proxies.get((await redis.cluster.masterOf(`lock:${key}`)).port)!;
  return { nodes: redis.nodes.map(({ port }) => at(port)), options, proxyOf };
}

describe('the connection to a cluster node on which packets are dropped', () => {
  it.each(['that the module made', 'of a client of the application'])(
    'the dark connection %s is replaced, and calls to other nodes go on',
    async (whose) => {
      const { nodes, options, proxyOf } = await behindProxies();
      const client = whose.startsWith('of') ? new Cluster(nodes, options) : undefined;
      const access: RedisLockingProviderOptions = client ? { client } : { cluster: { nodes, options } };
      try {
        const { locking } = await applications.onRedis(access);
        const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
        for (const key of keys) await locking.execute(key, () => undefined);
        const proxy = await proxyOf('a');
        const others: string[] = [];
        for (const key of keys) if ((await proxyOf(key)) !== proxy) others.push(key);
        expect(others).not.toEqual([]);

        proxy.goDark();
        const failing = rejectionOf(locking.execute('a', () => undefined, { timeout: '1m' }));
        for (const key of others) await locking.execute(key, () => undefined);
        expect(await failing).toBeInstanceOf(LockBackendError);
        const failed = performance.now();
        await eventually(async () => (await locking.execute('a', () => 1).catch(() => 0)) === 1, PATIENCE);
        expect(performance.now() - failed).toBeLessThan(RECOVERY);
        for (const key of others) await locking.execute(key, () => undefined);
      } finally {
        client?.disconnect();
      }
    },
    PATIENCE,
  );
});
