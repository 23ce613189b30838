import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import type { LockingProviderOptions } from '../../interfaces/provider-options.interface.js';

/** What a connection logs in with. */
export interface RedisCredentials {
  /** The ACL user; the default user where it is absent. */
  readonly username?: string | undefined;
  /** The password, as it is now. */
  readonly password: string;
}

/** Names the credentials that are valid now. */
export type RedisCredentialsFunction = () => RedisCredentials | Promise<RedisCredentials>;

/** Options of `RedisLockingProvider`, beside those of every provider. */
export interface RedisLockingProviderOptions extends LockingProviderOptions {
  /**
   * Where the server is: `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS; `db` is a number. Required unless `client`,
   * `cluster`, or `redisOptions` with a `host`, a `path` or `sentinels` is given.
   */
  redisUrl?: string | undefined;

  /** Passed on to ioredis: TLS, ACL user, `sentinels`, `db` and so on. */
  redisOptions?: RedisOptions | undefined;

  /**
   * Names the credentials that are valid now, instead of those in `redisUrl`, `redisOptions` or `cluster`: for passwords
   * that change. It is called before each connection, and may return a promise. If it fails, or takes more than 5 s, the
   * credentials that it named last are used. Not with `client`.
   *
   * @example
   * credentials: async () => ({ username: 'locks', password: await secrets.get('redis-password') })
   */
  credentials?: RedisCredentialsFunction | undefined;

  /**
   * An existing ioredis client. It is used as it is and never closed by this module; it is only told to connect again
   * (`disconnect(true)`) when its connection is found dead. When a caller first has to wait, a duplicate of it is made for
   * the messages that wake waiters, and closed at the end.
   */
  client?: Redis | Cluster | undefined;

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
  cluster?: { nodes: ClusterNode[]; options?: ClusterOptions | undefined } | undefined;

  /**
   * The prefix of every key in the store. Applications that are to exclude each other need the same one.
   *
   * @defaultValue `'lock:'`
   */
  namespace?: string | undefined;

  /**
   * How many replicas must have a lock before its job runs, so that it survives the failover to one of them. A lock that
   * fewer than that acknowledge within a second is cancelled, and the call fails with a `LockBackendError`; a renewal
   * does not count then. Every acquire and renewal takes a round trip from the master to its replicas longer. While too
   * few of them answer, the connection stands still for up to a second at a time, and leases shorter than about 3 s may
   * be lost. Not with a Redis Cluster.
   *
   * @defaultValue `0`
   */
  minReplicas?: number | undefined;
}
