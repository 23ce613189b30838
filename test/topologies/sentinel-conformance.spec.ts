import { describe, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisLockingProvider } from '../../lib/index.js';
import { describeLockingProvider } from '../../lib/testing/index.js';
import { useSentinels } from '../support/sentinels.js';

jest.setTimeout(60_000);

const group = useSentinels();

describe.each([0, 1])('minReplicas %i', (minReplicas) => {
  async function connect(namespace: string): Promise<RedisLockingProvider> {
    const { sentinels, name } = group();
    const options = { redisOptions: { sentinels, name }, namespace, minReplicas };
    const provider = new RedisLockingProvider(options, { id: 'locking-redis', warn: () => undefined });
    await provider.connect(() => undefined);
    return provider;
  }

  describeLockingProvider(
    'RedisLockingProvider with sentinels',
    async () => {
      const namespace = `${randomUUID()}:`;
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
});
