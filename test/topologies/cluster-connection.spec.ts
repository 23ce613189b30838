import { describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { LockBackendError } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { startRedisServer } from '../../tools/redis-server/index.mjs';
import { useRedisCluster } from '../support/cluster.js';

const redis = useRedisCluster({ replicas: 0 });
const applications = useApplications();

/** Nobody listens there. */
const NOWHERE = { host: '127.0.0.1', port: 1 };
const ESTABLISHED = 'Connection to Redis in "locking-redis" provider established';

describe('a cluster', () => {
  it('is reported once, found through any node that answers, and takes many commands at once', async () => {
    const { locking, log } = await applications.onRedis({ cluster: { nodes: [NOWHERE, redis.nodes[1]!] } });
    expect(log.of('log')).toEqual([ESTABLISHED]);
    const keys = Array.from({ length: 300 }, (_, index) => `key-${index}`);
    await Promise.all(keys.map(async (key) => locking.execute(key, () => undefined)));
    expect([...log.of('warn'), ...log.of('error')]).toEqual([]);
  });

  it('that is down does not stop the boot, fails every call, and ends the application all the same', async () => {
    const { locking, log } = await applications.onRedis({ cluster: { nodes: [NOWHERE] } });
    expect(log.of('error')).toEqual([
      'Connection to Redis in "locking-redis" provider failed: connect ECONNREFUSED 127.0.0.1:1. Locked calls fail with LockBackendError until it is there',
    ]);
    for (const keys of ['k', ['k', 'l', 'm']]) {
      expect(await rejectionOf(locking.acquire(keys))).toBeInstanceOf(LockBackendError);
    }
  });

  it('that is down stops the boot with failFast', async () => {
    const error = await rejectionOf(applications.onRedis({ cluster: { nodes: [NOWHERE] }, failFast: true }));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toContain('connect ECONNREFUSED 127.0.0.1:1');
  });

  it('that is none says so', async () => {
    const server = await startRedisServer();
    try {
      const { log } = await applications.onRedis({ cluster: { nodes: [{ host: '127.0.0.1', port: server.port }] } });
      expect(log.of('error').join()).toContain('This instance has cluster support disabled');
    } finally {
      await server.stop();
    }
  });

  it('takes over the options for its nodes, but none that make a command late', async () => {
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

  it('whose state is not ok is waited for', async () => {
    const [node] = redis.cluster.nodes;
    node!.server.kill('SIGKILL');
    try {
      // With a part of its slots gone the rest refuses to serve.
      const rest = redis.nodes.slice(1);
      const { Redis } = await import('ioredis');
      const probe = new Redis(rest[0]!.port);
      await eventually(async () => (await probe.cluster('INFO')).includes('cluster_state:fail'), 30_000);
      probe.disconnect();
      const { locking, log } = await applications.onRedis({ cluster: { nodes: rest } });
      // Either the node that is missing was asked, or one that knows of it.
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
  it('is connected again where the module made it', async () => {
    // A node was restarted just before.
    await redis.cluster.ready();
    const node = { ...NOWHERE };
    const cluster = { nodes: [node], options: { clusterRetryStrategy: () => null } };
    const { locking, log } = await applications.onRedis({ cluster });
    expect(log.of('error').join()).toContain('ECONNREFUSED');
    Object.assign(node, redis.nodes[0]);
    await eventually(() => log.of('log').includes(ESTABLISHED), 30_000);
    expect(await locking.execute('a', () => 1)).toBe(1);
  }, 90_000);

  it('is reported where it is the client of the application, with what to do', async () => {
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
