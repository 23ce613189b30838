import { describe, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisLockingProvider } from '../../lib/index.js';
import { describeLockingProvider } from '../../lib/testing/index.js';
import { useRedisServer } from '../support/redis.js';

const redis = useRedisServer();

async function connect(namespace: string): Promise<RedisLockingProvider> {
  const context = { id: 'locking-redis', warn: () => undefined };
  const provider = new RedisLockingProvider({ redisUrl: redis.url, namespace }, context);
  await provider.connect(() => undefined);
  return provider;
}

describeLockingProvider(
  'RedisLockingProvider',
  async () => {
    const namespace = `[${randomUUID()}]*:`;
    const [provider, other] = await Promise.all([connect(namespace), connect(namespace)]);
    return {
      provider,
      other,
      pass: async (milliseconds) => delay(milliseconds),
      close: async () => {
        await Promise.all([provider.close(), other.close()]);
      },
    };
  },
  { describe, it },
);
