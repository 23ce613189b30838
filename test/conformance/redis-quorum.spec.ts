import { beforeAll, describe } from '@jest/globals';
import { RedisQuorumLockingProvider } from '../../lib/index.js';
import { describeOnServers } from '../support/describe-on-servers.js';
import { useRedisNodes } from '../support/redis-nodes.js';

interface Setting {
  readonly name: string;
  readonly count: number;
  readonly fault?: 'killed' | 'hung';
}

const SETTINGS: Setting[] = [
  { name: '3 nodes', count: 3 },
  { name: '5 nodes', count: 5 },
  { name: '3 nodes, one of them killed', count: 3, fault: 'killed' },
  { name: '3 nodes, one of them hung', count: 3, fault: 'hung' },
  { name: '5 nodes, one of them killed', count: 5, fault: 'killed' },
  { name: '5 nodes, one of them hung', count: 5, fault: 'hung' },
];

describe.each(SETTINGS)('$name', ({ name, count, fault }) => {
  const servers = useRedisNodes(count);

  async function connect(namespace: string): Promise<RedisQuorumLockingProvider> {
    const nodes = servers.map(({ url }) => url);
    // Each start waits for so long if a server hangs.
    const options = { nodes, namespace, nodeTimeout: fault === 'hung' ? '300ms' : '2s' } as const;
    const provider = new RedisQuorumLockingProvider(options, { id: 'quorum', warn: () => undefined });
    await provider.connect(() => undefined);
    return provider;
  }

  if (fault) {
    beforeAll(() => {
      servers[1]?.kill(fault === 'killed' ? 'SIGKILL' : 'SIGSTOP');
    });
  }

  describeOnServers(`RedisQuorumLockingProvider on ${name}`, connect, { without: ['queueing', 'records'] });
});
