import { describe, jest } from '@jest/globals';
import { RedisLockingProvider } from '../../lib/index.js';
import { describeOnServers } from '../support/describe-on-servers.js';
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

  describeOnServers('RedisLockingProvider with sentinels', connect);
});
