import { Logger } from '@nestjs/common';
import { LockConfigurationError } from '../../errors/index.js';
import { ThrottledLog } from '../../logging/throttled-log.js';
import type { LockingService } from '../../module/locking.service.js';
import { BoundedCache } from './bounded-cache.js';
import { freshnessOf, isDueEarly, makeEntry, type CacheEntry } from './cache-entry.js';
import { CacheLocks, isLockFailure, undoIfLate } from './cache-locks.js';
import type {
  CacheChangeOptions,
  CacheFlightOptions,
  CacheLoad,
  CacheLoadOptions,
  CacheSetOptions,
} from './cache-options.interface.js';
import { loadNotFunction, storeMissing, withoutLock } from './cache.messages.js';
import { LoadFlights } from './load-flights.js';
import {
  assertCacheKey,
  readCacheSettings,
  readLoadOptions,
  readLockOptions,
  readSetOptions,
  type CacheSettings,
  type LockSettings,
} from './read-cache-options.js';
import { ValueLoader } from './value-loader.js';

/** So many warnings are logged in 10 s; of the others only their number is. */
const MOST_WARNINGS = 5;

/**
 * A cache whose values are loaded once over all processes: callers of one process share a load, processes take turns by a
 * lock, and look into the cache again before they load.
 *
 * Values are stored as the cache stores them, which is as JSON in most: a `Date` comes back as a string. The callers that
 * share a load get one and the same object.
 *
 * @example
 * constructor(private readonly cache: CacheFlight) {}
 *
 * async report(year: number): Promise<Report> {
 *   return this.cache.getOrSet(`report:${year}`, () => this.build(year), { ttl: '1m', staleFor: '10m' });
 * }
 */
export class CacheFlight {
  private readonly log: ThrottledLog;
  private readonly settings: CacheSettings;
  private readonly cache: BoundedCache;
  private readonly locks: CacheLocks;
  private readonly flights: LoadFlights;

  /**
   * What `CacheFlightModule` makes; for a second cache in one application.
   *
   * @throws LockConfigurationError for options that cannot work
   */
  constructor(
    locking: LockingService,
    private readonly defaults: CacheFlightOptions,
  ) {
    this.settings = readCacheSettings(defaults);
    if (!defaults.store) throw new LockConfigurationError(storeMissing());
    const logger = new Logger('CacheFlight');
    this.log = new ThrottledLog((line) => {
      logger.warn(line);
    }, MOST_WARNINGS);
    this.cache = new BoundedCache(defaults.store, this.settings, this.log);
    this.locks = new CacheLocks(locking, this.settings.prefix);
    const loader = new ValueLoader(this.cache, this.locks, this.settings, this.log);
    this.flights = new LoadFlights(loader, this.locks, this.log);
  }

  /**
   * The value of the key: from the cache, or else from `load`, once over all processes. Within `staleFor` after its `ttl` the
   * former value is returned at once, and one process loads in the background; so it is before the end of `ttl` when `beta`
   * says so. What `load` throws goes to all that share the load, and is not stored.
   *
   * The early refresh is XFetch, of Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention",
   * PVLDB 8(8), 2015.
   *
   * A value whose key was set or deleted while it was loaded is returned to those that wait for it, and is not stored.
   *
   * @param load - is given `signal` and `fencingToken`; called from inside itself for the same key, it runs at once
   * @param options - `ttl`, `staleFor`, `beta`, `negativeTtl`, `loadTimeout`, `onLockFailure`, `expire`, `timeout`, `provider`
   * @throws CacheLoadTimeoutError when the load took longer than `loadTimeout`
   * @throws LockTimeoutError, LockBackendError when the lock cannot be had, with `onLockFailure: 'throw'`
   * @throws LockConfigurationError, LockKeyError for options and keys that cannot work
   *
   * @example
   * const user = await cache.getOrSet(`user:${id}`, ({ signal }) => fetchUser(id, signal), { ttl: '30s', beta: 1 });
   */
  async getOrSet<T>(
    key: string,
    load: (load: CacheLoad) => T | PromiseLike<T>,
    options: CacheLoadOptions = {},
  ): Promise<T> {
    assertCacheKey(key);
    if (typeof (load as unknown) !== 'function') throw new LockConfigurationError(loadNotFunction());
    const settings = readLoadOptions(options, this.defaults);
    if (this.flights.isInside(key)) return load({ signal: new AbortController().signal, fencingToken: undefined });
    const askedAt = this.settings.now();
    const seen = await this.cache.read(key);
    const request = { key, load, settings, seen, askedAt };
    const freshness = seen ? freshnessOf(seen, this.settings.now()) : 'over';
    if (!seen || freshness === 'over') return this.flights.join(request) as Promise<T>;
    if (freshness === 'stale' || isDueEarly(seen, this.settings.now(), settings.beta, this.settings.random)) {
      this.flights.refresh(request);
    }
    return seen.value as T;
  }

  /**
   * The value of the key, also one that is stale but may be served; `undefined` if there is none, and where `undefined` was
   * stored. A cache that is down has no values.
   *
   * @example
   * const report = await cache.get<Report>('report:2026');
   */
  async get<T>(key: string): Promise<T | undefined> {
    return (await this.find(key))?.value as T | undefined;
  }

  /** Whether {@link get} has a value, be it `undefined` or `null`. */
  async has(key: string): Promise<boolean> {
    return (await this.find(key)) !== undefined;
  }

  /**
   * Stores a value. A load that runs meanwhile, in any process, does not overwrite it.
   *
   * @param options - `ttl`, `staleFor`, `onLockFailure`, `expire`, `timeout`, `provider`
   * @throws what the cache throws, or an error if it does not answer: the value may or may not be stored then
   * @throws LockLostError when this process stood still for longer than the lease: the key was deleted then
   *
   * @example
   * await cache.set('report:2026', report, { ttl: '1m' });
   */
  async set(key: string, value: unknown, options: CacheSetOptions = {}): Promise<void> {
    assertCacheKey(key);
    const settings = readSetOptions(options, this.defaults);
    const { ttl, staleFor } = settings;
    const { prefix } = this.settings;
    await this.change(key, settings, async () => {
      const entry = makeEntry({ prefix, value, at: this.settings.now(), cost: 0, ttl, staleFor, token: 0 });
      await this.cache.writeSurely(key, entry);
    });
  }

  /**
   * Deletes the key. A load that runs meanwhile, in any process, does not store its value; the next call loads anew.
   *
   * @param options - `onLockFailure`, `expire`, `timeout`, `provider`
   * @returns whether there was a value, where the cache tells
   * @throws what the cache throws, or an error if it does not answer: the value may or may not be there then
   *
   * @example
   * await this.users.update(id, changes);
   * await cache.delete(`user:${id}`);
   */
  async delete(key: string, options: CacheChangeOptions = {}): Promise<boolean> {
    assertCacheKey(key);
    return this.change(key, readLockOptions(options, this.defaults), async () => this.cache.removeSurely(key));
  }

  /**
   * Deletes the values of this `CacheFlight`, one by one, and nothing else. It reads the whole cache: for operators. A cache
   * that cannot list its keys is emptied as by its own `clear()`, with what else is in it. Loads that run meanwhile, in any
   * process, do not store their values.
   *
   * @param options - `onLockFailure`, `expire`, `timeout`, `provider`
   * @throws LockConfigurationError where there is a `prefix`, and the cache cannot list its keys
   * @throws what the cache throws, or an error if it does not answer or still has a value: some may be deleted then
   *
   * @example
   * await cache.clear();
   */
  async clear(options: CacheChangeOptions = {}): Promise<void> {
    const settings = readLockOptions(options, this.defaults);
    this.cache.assertClearable();
    try {
      await this.locks.revokeAllLoads(settings);
    } catch (error) {
      this.goOnWithout('*', error, settings);
    }
    this.flights.forgetAll();
    await this.cache.clear();
  }

  /**
   * Goes through the keys that match a glob (`*`, `?`, `[a-z]`, `\` to escape), in no order; every key without one. It reads
   * the whole cache: for operators, not for each request.
   *
   * @throws LockConfigurationError where the cache cannot list its keys
   *
   * @example
   * for await (const key of cache.keys('report:*')) await cache.delete(key);
   */
  keys(pattern = '*'): AsyncIterable<string> {
    return this.cache.keys(pattern);
  }

  private async find(key: string): Promise<CacheEntry | undefined> {
    assertCacheKey(key);
    const entry = await this.cache.read(key);
    return entry && freshnessOf(entry, this.settings.now()) !== 'over' ? entry : undefined;
  }

  /** Changes a key so that no load which has begun before overwrites that. */
  private async change<T>(key: string, settings: LockSettings, work: () => Promise<T>): Promise<T> {
    const outcome: { value?: { of: T } } = {};
    try {
      await this.locks.write(
        key,
        async (lock) => {
          try {
            outcome.value = { of: await work() };
          } catch (error) {
            // The cache may have made the change all the same: a load that began before must not undo it.
            await this.locks.revokeLoad(key, settings).catch(() => undefined);
            throw error;
          }
          // Revoked after the change: the next holder of the lock finds what was changed.
          await this.locks.revokeLoad(key, settings);
          await undoIfLate(this.cache, key, [lock]);
        },
        settings,
      );
    } catch (error) {
      this.goOnWithout(key, error, settings);
      outcome.value ??= { of: await work() };
    } finally {
      this.flights.forget(key);
    }
    return (outcome.value as { of: T }).of;
  }

  /** @throws the error, unless it is one of locks and these are not needed */
  private goOnWithout(key: string, error: unknown, { onLockFailure }: LockSettings): void {
    if (!isLockFailure(error) || onLockFailure === 'throw') throw error;
    this.log.add(withoutLock(key, error));
  }
}
