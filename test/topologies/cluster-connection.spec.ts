import { describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { LockBackendError } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { startRedisServer } from '../../tools/redis-server/index.mjs';
import { useRedisCluster } from '../support/cluster.js';

const redis = useRedisCluster({ replicas: 0 });
const applications = useApplications();

/** A free port. */
const NOWHERE = { host: '127.0.0.1', port: 1 };
const ESTABLISHED = 'Connection to Redis in "locking-redis" provider established';

describe('a cluster', () => {
  it('a cluster is found through any node that answers, reported once, and takes many commands at once', async () => {
    const { locking, log } = await applications.onRedis({ cluster: { nodes: [NOWHERE, redis.nodes[1]!] } });
    expect(log.of('log')).toEqual([ESTABLISHED]);
    const keys = Array.from({ length: 300 }, (_, index) => `key-${index}`);
    await Promise.all(keys.map(async (key) => locking.execute(key, () => undefined)));
    expect([...log.of('warn'), ...log.of('error')]).toEqual([]);
  });

  it('with a cluster that is down, the application starts and closes, and every call fails', async () => {
    const { locking, log } = await applications.onRedis({ cluster: { nodes: [NOWHERE] } });
    expect(log.of('error')).toEqual([
      'Connection to Redis in "locking-redis" provider failed: connect ECONNREFUSED 127.0.0.1:1. Locked calls fail with LockBackendError until it is there',
    ]);
    for (const keys of ['k', ['k', 'l', 'm']]) {
      expect(await rejectionOf(locking.acquire(keys))).toBeInstanceOf(LockBackendError);
    }
  });

  it('with failFast, the application does not start with a cluster that is down', async () => {
    const error = await rejectionOf(applications.onRedis({ cluster: { nodes: [NOWHERE] }, failFast: true }));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toContain('connect ECONNREFUSED 127.0.0.1:1');
  });

  it('the error for a server that is no cluster says so', async () => {
    const server = await startRedisServer();
    try {
      const { log } = await applications.onRedis({ cluster: { nodes: [{ host: '127.0.0.1', port: server.port }] } });
      expect(log.of('error').join()).toContain('This instance has cluster support disabled');
    } finally {
      await server.stop();
    }
  });

  it('redisOptions of a cluster apply to its nodes, except those that delay commands', async () => {
    const { locking, log } = await applications.onRedis({
      cluster: {
        nodes: redis.nodes,
        options: {
          enableOfflineQueue: true,
          enableAutoPipelining: true,
          scaleReads: 'slave',
          retryDelayOnFailover: 500,
          redisOptions: { connectionName: 'the locks', password: undefined },
        },
      },
    });
    await locking.execute('a', () => undefined);
    expect(log.of('log')).toEqual([ESTABLISHED]);
  });

  it('calls wait for a cluster whose state is not ok', async () => {
    const [node] = redis.cluster.nodes;
    node!.server.kill('SIGKILL');
    try {
      // Without a part of its slots, the cluster refuses all commands.
      const rest = redis.nodes.slice(1);
      const { Redis } = await import('ioredis');
      const probe = new Redis(rest[0]!.port);
      await eventually(async () => (await probe.cluster('INFO')).includes('cluster_state:fail'), 30_000);
      probe.disconnect();
      const { locking, log } = await applications.onRedis({ cluster: { nodes: rest } });
      // Either the missing node was asked, or one that knows of it.
      expect(log.of('error').join()).toMatch(
        /failed: (the cluster is down \(cluster_state:fail\)|connect ECONNREFUSED)/,
      );
      await expect(locking.acquire('a', { timeout: '1s' })).rejects.toThrow(LockBackendError);
      await node!.server.restart();
      await redis.cluster.ready();
      await eventually(() => log.of('log').includes(ESTABLISHED), 30_000);
      await locking.execute('a', () => undefined);
    } finally {
      await node!.server.restart();
    }
  }, 90_000);
});

describe('a cluster that gives up', () => {
  it('the module reconnects a cluster client of its own that gave up', async () => {
    // The test before has restarted a node.
    await redis.cluster.ready();
    const node = { ...NOWHERE };
    const cluster = { nodes: [node], options: { clusterRetryStrategy: () => null } };
    const { locking, log } = await applications.onRedis({ cluster });
    expect(log.of('error').join()).toContain('ECONNREFUSED');
    Object.assign(node, redis.nodes[0]);
    await eventually(() => log.of('log').includes(ESTABLISHED), 30_000);
    expect(await locking.execute('a', () => 1)).toBe(1);
  }, 90_000);

  it('an existing cluster client that gave up is reported with the remedy', async () => {
    const client = new Cluster(redis.nodes, { clusterRetryStrategy: () => null });
    const { locking, log } = await applications.onRedis({ client });
    client.disconnect();
    await eventually(() => log.of('warn').length === 1);
    expect(log.of('warn')).toEqual([expect.stringContaining('call connect() on it')]);
    await client.connect();
    expect(await locking.execute('a', () => 1)).toBe(1);
    client.disconnect();
  });
});
