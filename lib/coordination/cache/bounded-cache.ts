import { LockConfigurationError } from '../../errors/index.js';
import type { ThrottledLog } from '../../logging/throttled-log.js';
import { globMatcher } from '../../providers/glob.js';
import { readEntry, type CacheEntry } from './cache-entry.js';
import type { CacheFlightStore } from './cache-store.interface.js';
import {
  cacheFailed,
  cacheSilent,
  keysNotListed,
  notDeleted,
  notSet,
  notKept,
  storeNotUsable,
  valueRefused,
} from './cache.messages.js';
import { KeyPauses } from './key-pauses.js';
import type { CacheSettings } from './read-cache-options.js';

/** For how long a cache that has failed is not asked, in milliseconds. */
const DOWN_PAUSE = 1000;

/**
 * The entries of a cache, each call in bounded time: a Keyv whose server is down neither answers nor fails, since its client
 * waits for a connection.
 */
export class BoundedCache {
  private downUntil = 0;
  /** Keys whose values the cache does not keep. */
  private readonly notKept = new KeyPauses(DOWN_PAUSE);

  /** @throws LockConfigurationError for what is no cache */
  constructor(
    private readonly store: CacheFlightStore,
    private readonly settings: CacheSettings,
    private readonly log: ThrottledLog,
  ) {
    const { get, set, clear } = store as Partial<CacheFlightStore>;
    const remove = (store as Partial<CacheFlightStore>).delete ?? (store as Partial<CacheFlightStore>).del;
    if ([get, set, clear, remove].some((method) => typeof method !== 'function')) {
      throw new LockConfigurationError(storeNotUsable());
    }
  }

  /** Whether what is loaded for the key now cannot be passed to other processes through the cache. */
  isDownFor(key: string): boolean {
    return this.isDown || this.notKept.has(key);
  }

  /** Never rejects: a cache that is down has no entries. */
  async read(key: string): Promise<CacheEntry | undefined> {
    if (this.isDown) return undefined;
    // One call finds out whether a cache that was down answers again. The others go on without it.
    if (this.downUntil > 0) this.pause();
    try {
      const entry = await this.readNow(key);
      this.downUntil = 0;
      return entry;
    } catch (error) {
      this.pause();
      this.log.add(cacheFailed(key, error));
      return undefined;
    }
  }

  /** Stores an entry that was loaded. Never rejects: callers have the value anyway. */
  async keep(key: string, entry: CacheEntry): Promise<void> {
    let refusal: unknown;
    try {
      // Only Keyv tells by its answer that it has stored the value; others may swallow the errors of their stores.
      if ((await this.write(key, entry)) === true) return;
    } catch (error) {
      refusal = error;
    }
    try {
      if (!refusal && (await this.isStored(key, entry))) return;
      // A cache that answers has refused this value alone. One that is down does not answer here either.
      if (refusal) await this.readNow(key);
      this.notKept.begin(key);
      this.log.add(refusal ? valueRefused(key, refusal) : notKept(key));
    } catch (error) {
      this.pause();
      this.log.add(cacheFailed(key, refusal ?? error));
    }
  }

  /** @throws what the cache throws, or an error if it does not answer */
  async write(key: string, entry: CacheEntry): Promise<unknown> {
    const ttl = Math.max(1, Math.ceil(entry.at + entry.ttl + entry.staleFor - this.settings.now()));
    // A client that waits for its connection may send the value long after its caller has gone on: a newer one may be there.
    const undo = (): void => {
      this.remove(key).catch(() => undefined);
    };
    return this.within(async () => this.store.set(this.inStore(key), entry, ttl), undo);
  }

  /** @throws what the cache throws, or an error if it does not answer */
  async remove(key: string): Promise<boolean> {
    const { store } = this;
    const name = this.inStore(key);
    return (await this.within(async () => (store.delete ? store.delete(name) : store.del?.(name)))) !== false;
  }

  /**
   * As {@link remove}, for caches that swallow the errors of their stores.
   *
   * @throws an error also if the entry is still there
   */
  async removeSurely(key: string): Promise<boolean> {
    const told = await this.remove(key);
    if (await this.readNow(key)) throw new Error(notDeleted(key));
    return told;
  }

  /**
   * As {@link write}, for caches that swallow the errors of their stores.
   *
   * @throws an error also if the entry is not there
   */
  async writeSurely(key: string, entry: CacheEntry): Promise<void> {
    const told = await this.write(key, entry);
    // Only Keyv tells by its answer.
    if (told === false || (told !== true && !(await this.isStored(key, entry)))) throw new Error(notSet(key));
  }

  private async isStored(key: string, { id }: CacheEntry): Promise<boolean> {
    return (await this.readNow(key))?.id === id;
  }

  /** @throws what the cache throws, or an error if it does not answer */
  async clear(): Promise<void> {
    await this.within(async () => this.store.clear());
  }

  /**
   * The keys that match a glob, as callers know them.
   *
   * @throws LockConfigurationError where the cache cannot list them
   */
  async *keys(pattern: string): AsyncGenerator<string> {
    const matches = globMatcher(pattern);
    const { prefix } = this.settings;
    const listed = (this.store.stores?.at(-1) ?? this.store) as CacheFlightStore & { namespace?: string };
    if (typeof listed.iterator !== 'function') throw new LockConfigurationError(keysNotListed());
    const entries = listed.iterator(listed.namespace)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.within(async () => entries.next());
        if (next.done) return;
        const [key, stored] = next.value as [unknown, unknown];
        if (typeof key !== 'string' || !key.startsWith(prefix) || !readEntry(stored)) continue;
        const own = key.slice(prefix.length);
        if (matches(own)) yield own;
      }
    } finally {
      // Not awaited: a cache that has fallen silent would hold up its caller here.
      void entries.return?.().catch(() => undefined);
    }
  }

  private async readNow(key: string): Promise<CacheEntry | undefined> {
    return readEntry(await this.within(async () => this.store.get(this.inStore(key))));
  }

  private inStore(key: string): string {
    return `${this.settings.prefix}${key}`;
  }

  private get isDown(): boolean {
    return performance.now() < this.downUntil;
  }

  private pause(): void {
    this.downUntil = performance.now() + DOWN_PAUSE;
  }

  /** @param whenLate - called when the call is answered after all */
  private async within<T>(call: () => Promise<T>, whenLate?: () => void): Promise<T> {
    const { cacheTimeout } = this.settings;
    const answer = call();
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (whenLate) answer.then(whenLate, () => undefined);
        reject(new Error(cacheSilent(cacheTimeout)));
      }, cacheTimeout);
    });
    try {
      return await Promise.race([answer, silence]);
    } finally {
      clearTimeout(timer);
    }
  }
}
