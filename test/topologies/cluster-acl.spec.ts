import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import type { RedisLockingProviderOptions } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { BY_CLUSTER, BY_IOREDIS, OPTIONAL, REQUIRED } from '../support/acl.js';
import { useRedisCluster } from '../support/cluster.js';
import { useEverything } from '../support/use-everything.js';

jest.setTimeout(60_000);

const redis = useRedisCluster();
const applications = useApplications();
let nodes: Redis[] = [];
let raw: Cluster;

beforeAll(async () => {
  nodes = redis.nodes.map(({ port }) => new Redis(port, '127.0.0.1', { retryStrategy: () => null }));
  raw = new Cluster(redis.nodes);
  const commands = [...REQUIRED, ...OPTIONAL, ...BY_CLUSTER].map((command) => `+${command}`);
  const rules = ['reset', 'on', '>pw', '~lock:*', '&lock:*', ...commands];
  await Promise.all(nodes.map(async (node) => node.acl('SETUSER', 'locks', ...rules)));
});

afterAll(() => {
  for (const client of [...nodes, raw]) client.disconnect();
});

const options = (): RedisLockingProviderOptions => ({
  cluster: { nodes: redis.nodes, options: { redisOptions: { username: 'locks', password: 'pw' } } },
});

describe('a user of a cluster with the listed permissions', () => {
  it('everything works for a user of a cluster with only the listed permissions', async () => {
    const [one, two] = [await applications.onRedis(options()), await applications.onRedis(options())];
    await useEverything(raw, [one.locking, two.locking], options());
    const entries = (await Promise.all(nodes.map(async (node) => node.acl('LOG')))).flat() as string[][];
    const refused = entries.map((entry) => entry[entry.indexOf('object') + 1]);
    const unexpected = refused.filter((object) => !(BY_IOREDIS as readonly unknown[]).includes(object));
    expect(unexpected).toEqual([]);
    for (const { log } of [one, two]) expect([...log.of('error'), ...log.of('warn')]).toEqual([]);
  });

  it.each(['cluster|slots', 'cluster|info'])('is told where it lacks %s', async (command) => {
    await Promise.all(nodes.map(async (node) => node.acl('SETUSER', 'locks', `-${command}`)));
    const { log } = await applications.onRedis(options());
    await Promise.all(nodes.map(async (node) => node.acl('SETUSER', 'locks', `+${command}`)));
    expect(log.of('error')).toEqual([expect.stringMatching(`provider failed: NOPERM.*'${command}'`)]);
  });
});
