import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import type { LockingProviderOptions } from '../../interfaces/index.js';

/** Options of `RedisLockingProvider`, beside those of every provider. */
export interface RedisLockingProviderOptions extends LockingProviderOptions {
  /**
   * Where the server is: `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS. Required unless `client`,
   * `cluster` or `redisOptions.sentinels` is given.
   */
  redisUrl?: string;

  /** Passed on to ioredis: TLS, ACL user, `sentinels`, `db` and so on. */
  redisOptions?: RedisOptions;

  /**
   * An existing ioredis client. It is used as it is and never closed by this module. Where somebody has to wait, a
   * duplicate of it is made to hear of wake-ups, and closed at the end.
   */
  client?: Redis | Cluster;

  /**
   * A Redis Cluster: some of its nodes to begin with, and options for ioredis. Those that make commands run late or twice
   * are not taken over (`enableOfflineQueue`, `retryDelayOnFailover`, `enableAutoPipelining`, `scaleReads`).
   *
   * @example
   * cluster: {
   *   nodes: [{ host: 'redis-1', port: 6379 }, { host: 'redis-2', port: 6379 }],
   *   options: { redisOptions: { password: 'secret', tls: {} } },
   * }
   */
  cluster?: { nodes: ClusterNode[]; options?: ClusterOptions };

  /**
   * The prefix of every key in the store. Applications that are to exclude each other need the same one.
   *
   * @defaultValue `'lock:'`
   */
  namespace?: string;
}
