import { expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { useApplications } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { useRedisCluster } from '../support/cluster.js';

const redis = useRedisCluster({ replicas: 0 });
const applications = useApplications();

/** Runs `work` on every node, as a user without a password. */
async function onNodes(work: (raw: Redis) => Promise<unknown>): Promise<void> {
  for (const { url } of redis.cluster.nodes) {
    const raw = new Redis(url, { lazyConnect: true });
    await raw.connect();
    await work(raw);
    raw.disconnect();
  }
}

const rotate = async (password: string): Promise<void> =>
  onNodes((raw) => raw.acl('SETUSER', 'locks', 'on', 'resetpass', `>${password}`, 'allkeys', 'allchannels', '+@all'));

it('credentials is called before each connection to a cluster node', async () => {
  await rotate('former-secret');
  let password = 'former-secret';
  const open = async () =>
    applications.onRedis({
      cluster: { nodes: redis.nodes },
      credentials: async () => Promise.resolve({ username: 'locks', password }),
    });
  const [one, other] = [await open(), await open()];
  const handOff = async (key: string): Promise<void> => {
    const lock = await one.locking.acquire(key, { timeout: '20s' });
    const waiting = other.locking.acquire(key, { timeout: '20s' });
    await eventually(async () => (await one.locking.inspect(key))?.waiters === 1);
    await lock.release();
    await (await waiting).release();
  };
  const keys = ['a', 'b', 'c', 'd', 'e'];
  for (const key of keys) await handOff(key);
  expect([...one.log.of('error'), ...other.log.of('error')]).toEqual([]);

  await rotate('present-secret');
  await onNodes((raw) => raw.call('CLIENT', 'KILL', 'USER', 'locks'));
  await eventually(() => other.log.of('warn').some((line) => line.includes('refuses') && line.includes('WRONGPASS')));
  password = 'present-secret';
  for (const { locking } of [one, other]) {
    for (const key of keys) {
      await eventually(async () => (await locking.execute(key, () => 1).catch(() => 0)) === 1, 20_000);
    }
  }
  for (const key of keys) await handOff(key);
  expect(other.log.of('warn').filter((line) => line.includes('secret'))).toEqual([]);
}, 90_000);
