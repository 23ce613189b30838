import type { Duration } from '../../interfaces/index.js';
import type { CacheFlightStore } from './cache-store.interface.js';

/** What a load is given. */
export interface CacheLoad {
  /** Is aborted when `loadTimeout` is over. */
  readonly signal: AbortSignal;

  /** The fencing token of the lock under which the value is loaded; `undefined` if it is loaded without a lock. */
  readonly fencingToken: number | undefined;
}

/** How a call of `CacheFlight` uses locks. */
export interface CacheLockOptions {
  /**
   * What to do when the lock cannot be had, because its store is down or `timeout` is over. `'load'`: this process loads by
   * itself, once for all its callers; `set` and `delete` go on without a lock. `'throw'`: the call rejects.
   *
   * @defaultValue `'load'`
   */
  onLockFailure?: 'load' | 'throw' | undefined;

  /**
   * The lease of the lock: so long after the death of a process another one loads. It is renewed while a load runs. A number
   * is seconds.
   *
   * @defaultValue `'10s'`
   */
  expire?: Duration | undefined;

  /**
   * How long a call waits for the load of another process. A number is seconds.
   *
   * @defaultValue `'30s'`
   */
  timeout?: Duration | undefined;

  /** The id of the provider of the locks; the default provider without it. */
  provider?: string | undefined;
}

/** Options of `CacheFlight.set`. */
export interface CacheSetOptions extends CacheLockOptions {
  /** How long the value is fresh. A number is seconds. Required, here or in the options of the module. */
  ttl?: Duration | undefined;

  /**
   * How much longer the value may be served while a new one is loaded in the background. A number is seconds.
   *
   * @defaultValue 0
   */
  staleFor?: Duration | undefined;
}

/** Options of `CacheFlight.getOrSet` and `@CacheOnce`. */
export interface CacheLoadOptions extends CacheSetOptions {
  /**
   * How early a value is loaded anew before its `ttl` is over, by chance and by how long its load took. 1 is the optimum of
   * the paper that is named at `getOrSet`, more is earlier, 0 is never.
   *
   * @defaultValue 0
   */
  beta?: number | undefined;

  /**
   * The `ttl` of `null` and `undefined`; `false`: they are not stored. A number is seconds.
   *
   * @defaultValue `ttl`
   */
  negativeTtl?: Duration | false | undefined;

  /**
   * The longest that a load may take. Then its `signal` aborts, its callers get a `CacheLoadTimeoutError`, its lock is
   * released, and what it comes to later is dropped. A number is seconds.
   *
   * @defaultValue `'30s'`
   */
  loadTimeout?: Duration | undefined;
}

/** Options of `CacheFlight.delete`. */
export type CacheChangeOptions = CacheLockOptions;

/** Options of `CacheFlightModule.forRoot`: the cache, and the defaults of every call. */
export interface CacheFlightOptions extends CacheLoadOptions {
  /**
   * The cache: a `Keyv`, or the `Cache` of cache-manager.
   *
   * @defaultValue what the application has as `CACHE_MANAGER`, from `CacheModule.register({ isGlobal: true })`
   */
  store?: CacheFlightStore | undefined;

  /**
   * What the keys in the cache begin with.
   *
   * @defaultValue nothing
   */
  prefix?: string | undefined;

  /**
   * How long the cache may take to answer. Then it counts as down: values are loaded without it, and a second later it is
   * asked again. A number is seconds.
   *
   * @defaultValue `'1s'`
   */
  cacheTimeout?: Duration | undefined;

  /**
   * The time of day in milliseconds, for tests.
   *
   * @defaultValue `Date.now`
   */
  now?: (() => number) | undefined;

  /**
   * A number from 0 to 1, by chance, for tests.
   *
   * @defaultValue `Math.random`
   */
  random?: (() => number) | undefined;
}
