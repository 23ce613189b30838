import { RedisLockingProvider } from '../../lib/index.js';
import { describeOnServers } from '../support/describe-on-servers.js';
import { useRedisServer } from '../support/redis.js';

const redis = useRedisServer();

describeOnServers('RedisLockingProvider', async (namespace) => {
  const context = { id: 'locking-redis', warn: () => undefined };
  const provider = new RedisLockingProvider({ redisUrl: redis.url, namespace }, context);
  await provider.connect(() => undefined);
  return provider;
});
