/**
 * A cache as `CacheFlight` calls it: a `Keyv`, the `Cache` of cache-manager (`CACHE_MANAGER`), or anything with these
 * methods. Times to live are milliseconds. It has `delete` or `del`.
 *
 * @example
 * const store: CacheFlightStore = new Keyv(new KeyvRedis('redis://localhost:6379'));
 */
export interface CacheFlightStore {
  /** The value of the key; `undefined` or `null` if there is none. */
  get(key: string): Promise<unknown>;

  /** Stores a value for so many milliseconds. */
  set(key: string, value: unknown, ttl?: number): Promise<unknown>;

  /** Deletes a key; `false` if there was none. */
  delete?(key: string): Promise<unknown>;

  /** Deletes a key, where the cache has no `delete`. */
  del?(key: string): Promise<unknown>;

  /** Deletes everything. */
  clear(): Promise<unknown>;

  /** Goes through all entries, each an array that begins with the key. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Keyv has it so
  iterator?(argument?: any): AsyncIterable<unknown>;

  /** The caches that this one is made of; the last of them is listed. */
  readonly stores?: readonly object[];
}
