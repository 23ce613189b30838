import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { useApplications } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { useRedisServer } from '../support/redis.js';

const applications = useApplications();
const WARNING =
  'Redis behind "locking-redis" has maxmemory-policy allkeys-lru and may evict locks that are held when it runs out of memory. Set maxmemory-policy noeviction, or give locks a server of their own.';

describe('a server that may evict locks', () => {
  const redis = useRedisServer({ config: { 'maxmemory-policy': 'allkeys-lru', maxmemory: '100mb' } });

  it('one warning at the start names a server that may evict locks, also after reconnects', async () => {
    const { log, locking } = await applications.onRedis({ redisUrl: redis.url });
    await eventually(() => log.of('warn').length > 0);
    expect(log.of('warn')).toEqual([WARNING]);

    const admin = new Redis(redis.url);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await eventually(() => log.of('log').length === 2);
    admin.disconnect();
    // Answers come in order, and the policy was requested before this call.
    await locking.inspect('k');
    expect(log.of('warn').filter((line) => line === WARNING)).toHaveLength(1);
  });
});

describe('a server that evicts nothing', () => {
  const redis = useRedisServer({ config: { 'maxmemory-policy': 'noeviction' } });

  it('a server that evicts nothing causes no warning', async () => {
    const { log, locking } = await applications.onRedis({ redisUrl: redis.url });
    await locking.inspect('k');
    expect(log.of('warn')).toEqual([]);
  });

  it('a server that refuses to tell its policy causes no warning', async () => {
    const admin = new Redis(redis.url);
    await admin.acl('SETUSER', 'locks', 'on', '>pw', '~*', '&*', '+@all', '-info');
    admin.disconnect();
    const redisOptions = { username: 'locks', password: 'pw', enableReadyCheck: false };
    const { log, locking } = await applications.onRedis({ redisUrl: redis.url, redisOptions });
    expect(await locking.execute('k', () => 1)).toBe(1);
    expect([...log.of('warn'), ...log.of('error')]).toEqual([]);
  });
});
