import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RedisLockingProviderOptions } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { OPTIONAL, REQUIRED } from '../support/acl.js';
import { listeners, look, useSentinels } from '../support/sentinels.js';

jest.setTimeout(60_000);

const group = useSentinels();
const applications = useApplications();

/** The commands and messages of sentinels that a client needs. */
const OF_SENTINELS = ['sentinel|get-master-addr-by-name', 'sentinel|sentinels', 'subscribe'];

beforeAll(async () => {
  const rules = (commands: readonly string[]): string[] => commands.map((command) => `+${command}`);
  for (const server of group().servers) {
    const locks = ['on', '>pw', '~lock:*', '&lock:*', ...rules([...REQUIRED, ...OPTIONAL])];
    await look(server, async (client) => client.acl('SETUSER', 'locks', 'reset', ...locks));
  }
  for (const server of group().sentinelServers) {
    const watcher = ['on', '>sentinel-pw', '&*', ...rules(OF_SENTINELS)];
    await look(server, async (client) => client.acl('SETUSER', 'watcher', 'reset', ...watcher));
  }
});

const options = (sentinelPassword = 'sentinel-pw'): RedisLockingProviderOptions => ({
  redisOptions: {
    ...{ sentinels: group().sentinels, name: group().name },
    ...{ username: 'locks', password: 'pw', sentinelUsername: 'watcher', sentinelPassword },
  },
});

describe('servers and sentinels with users of their own', () => {
  it('locks work with only the listed permissions on servers and sentinels, over a planned failover too', async () => {
    const [one, two] = [await applications.onRedis(options()), await applications.onRedis(options())];
    const order: string[] = [];
    const lock = await one.locking.acquire('k');
    const waiting = two.locking.execute('k', () => order.push('two'), { timeout: '30s' });
    await eventually(async () => (await one.locking.inspect('k'))?.waiters === 1);
    // A failover loses what the replica does not have yet.
    const before = await group().master();
    const replica = group().servers.find((server) => server !== before);
    await eventually(async () => (await look(replica!, async (client) => client.exists('lock:k'))) === 1);
    const master = await group().failover();
    await eventually(async () => (await listeners(master)) === 1);
    expect(await lock.release()).toBe(true);
    await waiting;
    expect(order).toEqual(['two']);
    expect([...one.log.of('error'), ...two.log.of('error')]).toEqual([]);
    for (const server of [...group().servers, ...group().sentinelServers]) {
      const log = (await look(server, async (client) => client.acl('LOG'))) as string[][];
      const refused = log.map((entry) => entry[entry.indexOf('object') + 1]);
      expect(refused.filter((object) => object !== 'client|setname' && object !== 'client|setinfo')).toEqual([]);
    }
  });

  it('the error for a wrong password of the sentinels names them, not the password', async () => {
    const { log } = await applications.onRedis(options('not-this-one'));
    expect(log.of('error')).toHaveLength(1);
    expect(log.of('error')[0]).toMatch(/WRONGPASS|invalid username-password/);
    expect(log.of('error')[0]).not.toContain('not-this-one');
  });
});
