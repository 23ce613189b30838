import { describe, it } from '@jest/globals';
import { RedisLockingProvider } from '../../lib/index.js';
import { describeOnServers } from '../support/describe-on-servers.js';
import { useRedisCluster } from '../support/cluster.js';

const redis = useRedisCluster({ replicas: 0 });

/** A cluster does not count subscribers. `cluster-waiting.spec.ts` shows how a dead process is skipped there. */
const NEEDS_A_COUNT = 'skips a process that does not listen, at once';

/** Requests that go to several slots reach their servers side by side, so they have no order among each other. */
const NEEDS_ONE_SLOT = 'carries out the acquires of a batch in their order, each on what those before it left';

const casesFor = (tag: string) => {
  const left = tag === '' ? [NEEDS_A_COUNT, NEEDS_ONE_SLOT] : [NEEDS_A_COUNT];
  return {
    describe,
    it: (name: string, run: () => Promise<void>) => (left.includes(name) ? 0 : it(name, run)),
  };
};

async function connect(namespace: string): Promise<RedisLockingProvider> {
  const context = { id: 'locking-redis', warn: () => undefined };
  const provider = new RedisLockingProvider({ cluster: { nodes: redis.nodes }, namespace }, context);
  await provider.connect(() => undefined);
  return provider;
}

// The same keys, spread over slots, and all in one slot.
for (const tag of ['', '{one slot}']) {
  describeOnServers(`RedisLockingProvider in a cluster, namespace ${tag || 'without a tag'}`, connect, {
    tag,
    cases: casesFor(tag),
  });
}
