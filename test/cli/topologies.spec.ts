import { describe, expect, it } from '@jest/globals';
import { RedisLockingProvider, RedisQuorumLockingProvider } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { cli, jsonLines } from '../support/cli.js';
import { useRedisCluster } from '../support/cluster.js';
import { useRedisNodes } from '../support/redis-nodes.js';

const applications = useApplications();

describe('the command line on a Redis Cluster', () => {
  const redis = useRedisCluster({ masters: 3, replicas: 0 });

  it('shows the locks and queues of all nodes, releases, and looks over each node', async () => {
    const env = { LOCKING_REDIS_CLUSTER: redis.nodes.map(({ host, port }) => `${host}:${String(port)}`).join(',') };
    const options = { cluster: { nodes: redis.nodes } };
    const { locking } = await applications.withLocks({ providers: [{ resolve: RedisLockingProvider, options }] });
    for (const key of ['a', 'b', 'c', 'd']) await locking.acquire(key, { ownerId: 'me' });
    const listed = jsonLines(await cli(['list', '--json', '--sort', 'key'], env));
    expect(listed.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd']);

    const doctor = await cli(['doctor', '--json'], env);
    expect(doctor.code).toBe(0);
    const found = jsonLines(doctor);
    expect(found.filter(({ subject }) => /^version \(127\.0\.0\.1:\d+\)$/.test(String(subject)))).toHaveLength(3);
    expect(found.filter(({ level }) => level === 'problem')).toEqual([]);
    expect(found).toContainEqual(expect.objectContaining({ level: 'ok', subject: 'wake-ups' }));

    expect((await cli(['release', 'b', '--yes'], env)).code).toBe(0);
    expect(await locking.inspect('b')).toBeNull();
    expect(await locking.inspect('a')).toMatchObject({ ownerId: 'me' });
  });
});

describe('the command line on a quorum', () => {
  const servers = useRedisNodes(3);

  it('shows and releases locks, and doctor names the node that is missing', async () => {
    const urls = servers.map(({ port }) => `redis://127.0.0.1:${String(port)}`);
    const env = { LOCKING_QUORUM_URLS: urls.join(',') };
    const options = { nodes: urls };
    const { locking } = await applications.withLocks({ providers: [{ resolve: RedisQuorumLockingProvider, options }] });
    await locking.acquire('k', { ownerId: 'me', expire: '10m' });
    expect(jsonLines(await cli(['list', '--json'], env))).toMatchObject([{ key: 'k', ownerId: 'me', waiting: null }]);
    const healthy = await cli(['doctor'], env);
    expect(healthy.code).toBe(0);
    expect(healthy.stdout).toContain('nodes: 3 of 3 nodes answer');

    await servers[0]?.stop();
    const degraded = await cli(['doctor', '--json'], env);
    expect(degraded.code).toBe(0);
    const nodes = jsonLines(degraded).filter(({ subject }) => subject === 'nodes');
    expect(nodes[0]).toMatchObject({ level: 'warning', message: '2 of 3 nodes answer' });
    expect(String(nodes[1]?.message)).toContain(String(servers[0]?.port));

    expect((await cli(['release', 'k', '--yes'], env)).code).toBe(0);
    expect(await locking.inspect('k')).toBeNull();
  });
});
