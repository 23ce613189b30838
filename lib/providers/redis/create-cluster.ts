import type { Cluster, ClusterOptions } from 'ioredis';
import { LockConfigurationError } from '../../errors/index.js';
import { LONGEST_RECONNECT_DELAY } from './connection-options.js';
import { ioredisMissing } from './redis.messages.js';
import type { RedisLockingProviderOptions } from './redis-options.interface.js';

/** ioredis lets a process live for so long after the end of a connection that had broken by then. */
const DISCONNECT_TIMEOUT = 100;

/** No node is waited for longer, in milliseconds: it may be gone with its machine, and another one has its place. */
const CONNECT_TIMEOUT = 3000;

/**
 * How often a command may be sent on. Only what a node has refused to run is sent again (MOVED, ASK, TRYAGAIN,
 * CLUSTERDOWN), the last two after 100 ms each: that ends before its caller stops waiting.
 */
const MAX_REDIRECTIONS = 32;

/** A command that may have run is never sent again, and none waits for a connection: it must not run late, or twice. */
const NEVER_LATE = {
  lazyConnect: true,
  enableOfflineQueue: false,
  retryDelayOnFailover: 0,
  enableAutoPipelining: false,
  scaleReads: 'master',
} as const satisfies ClusterOptions;

/** The provider's own client of a cluster, which has not begun to connect. */
export async function createCluster(id: string, { cluster: given }: RedisLockingProviderOptions): Promise<Cluster> {
  const { Cluster } = await import('ioredis').catch((cause: unknown) => {
    throw new LockConfigurationError(ioredisMissing(id), { cause });
  });
  const { nodes = [], options } = given ?? {};
  return new Cluster([...nodes], {
    clusterRetryStrategy: (attempt) => Math.min(25 * 2 ** Math.min(attempt, 10), LONGEST_RECONNECT_DELAY),
    maxRedirections: MAX_REDIRECTIONS,
    ...options,
    redisOptions: {
      disconnectTimeout: DISCONNECT_TIMEOUT,
      connectTimeout: CONNECT_TIMEOUT,
      ...options?.redisOptions,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    },
    ...NEVER_LATE,
  });
}
