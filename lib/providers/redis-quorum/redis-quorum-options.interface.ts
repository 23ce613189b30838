import type { Redis, RedisOptions } from 'ioredis';
import type { Duration, LockingProviderOptions } from '../../interfaces/index.js';
import type { RedisCredentialsFunction } from '../redis/redis-options.interface.js';

/** One server of a quorum. */
export interface RedisQuorumNode {
  /** Where it is: `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS. Required without `client`. */
  redisUrl?: string | undefined;

  /** Passed on to ioredis, for this server alone. */
  redisOptions?: RedisOptions | undefined;

  /** Names the credentials that are valid now, before each connection to this server. Not with `client`. */
  credentials?: RedisCredentialsFunction | undefined;

  /** An existing ioredis client. It is used as it is and never closed by this module. */
  client?: Redis | undefined;
}

/** Options of `RedisQuorumLockingProvider`, beside those of every provider. */
export interface RedisQuorumLockingProviderOptions extends LockingProviderOptions {
  /**
   * The servers, each a URL or an object: at least three, none twice, and no replicas of each other. Use an odd number:
   * an even one is accepted with a warning, as one more survives no further failure. Every process needs the same ones.
   */
  nodes: readonly (string | RedisQuorumNode)[];

  /**
   * How long one server may take over a call before it is left out, until it has answered what it owes. From 10 ms to
   * 2 s; a number is seconds.
   *
   * @defaultValue '500ms'
   */
  nodeTimeout?: Duration | undefined;

  /**
   * The prefix of every key on every server. Applications that are to exclude each other need the same one.
   *
   * @defaultValue `'lock:'`
   */
  namespace?: string | undefined;
}
