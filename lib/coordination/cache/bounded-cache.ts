import { randomUUID } from 'node:crypto';
import { LockConfigurationError } from '../../errors/index.js';
import type { ThrottledLog } from '../../logging/throttled-log.js';
import { globMatcher } from '../../providers/glob.js';
import { makeEntry, readEntry, type CacheEntry } from './cache-entry.js';
import type { CacheFlightStore } from './cache-store.interface.js';
import {
  cacheFailed,
  cacheSilent,
  foreignValue,
  keysNotListed,
  maybeCleared,
  maybeDeleted,
  maybeSet,
  notCleared,
  notDeleted,
  notKept,
  notSet,
  stillThere,
  storeNotUsable,
  unreadableValue,
  valueRefused,
} from './cache.messages.js';
import { KeyPauses } from './key-pauses.js';
import { OWN_CACHE_KEYS, type CacheSettings } from './read-cache-options.js';

/** For how long a cache that has failed is not asked, in milliseconds. */
const DOWN_PAUSE = 1000;

/** Of so many keys it is remembered that the log has named them. */
const MOST_SAID = 1000;

/** A key of no value. Where the cache answers for it, an error of another key concerns that alone. */
const NO_KEY = `${OWN_CACHE_KEYS}no-key`;

/** What stands in the cache while it is emptied. */
const CLEAR_MARK = `${OWN_CACHE_KEYS}clear:`;

/** How long that may stand there if the process dies, in milliseconds. */
const CLEAR_MARK_TTL = 60_000;

/**
 * The entries of a cache, each call in bounded time: a Keyv whose server is down neither answers nor fails, since its client
 * waits for a connection.
 */
export class BoundedCache {
  private downUntil = 0;
  /** Keys whose values the cache does not keep. */
  private readonly notKept = new KeyPauses(DOWN_PAUSE);
  /** Keys whose value is none, as the log has said. */
  private readonly said = new Set<string>();

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
      const stored = await this.get(key);
      this.downUntil = 0;
      const entry = readEntry(stored, this.settings.prefix);
      if (entry) this.said.delete(key);
      else if (stored !== undefined && stored !== null) this.sayOnce(key, foreignValue(key));
      return entry;
    } catch (error) {
      if (await this.concernsKeyAlone(error)) {
        this.downUntil = 0;
        this.sayOnce(key, unreadableValue(key, error));
      } else {
        this.pause();
        this.log.add(cacheFailed(key, error));
      }
      return undefined;
    }
  }

  /**
   * Stores an entry that was loaded. Never rejects: callers have the value anyway.
   *
   * @returns whether the cache has it
   */
  async keep(key: string, entry: CacheEntry): Promise<boolean> {
    let refusal: unknown;
    try {
      // Only Keyv tells by its answer that it has stored the value; others may swallow the errors of their stores.
      if ((await this.write(key, entry)) === true) return true;
    } catch (error) {
      refusal = error;
    }
    try {
      if (!refusal && (await this.isStored(key, entry))) return true;
      // A cache that answers has refused this value alone. One that is down does not answer here either.
      if (refusal) await this.get(NO_KEY);
      this.notKept.begin(key);
      this.log.add(refusal ? valueRefused(key, refusal) : notKept(key));
    } catch (error) {
      this.pause();
      this.log.add(cacheFailed(key, refusal ?? error));
    }
    return false;
  }

  /** @throws what the cache throws, or an error if it does not answer */
  async write(key: string, entry: CacheEntry): Promise<unknown> {
    const ttl = Math.max(1, Math.ceil(entry.at + entry.ttl + entry.staleFor - this.settings.now()));
    // A client that waits for its connection may send the value long after its caller has gone on: a newer one may be there.
    const undo = (): void => {
      this.remove(key).catch(() => undefined);
    };
    return this.within(async () => this.store.set(this.inStore(key), entry, ttl), maybeSet(key), undo);
  }

  /** @throws what the cache throws, or an error if it does not answer */
  async remove(key: string): Promise<boolean> {
    const { store } = this;
    const name = this.inStore(key);
    const remove = async (): Promise<unknown> => (store.delete ? store.delete(name) : store.del?.(name));
    return (await this.within(remove, maybeDeleted(key))) !== false;
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

  /** @throws LockConfigurationError where {@link clear} would delete what others have in the cache */
  assertClearable(): void {
    const { prefix } = this.settings;
    if (prefix !== '' && !listedLayers(this.store)) throw new LockConfigurationError(notCleared(prefix));
  }

  /**
   * Deletes all entries of this prefix; everything, where the cache cannot list its keys.
   *
   * @throws what the cache throws, or an error if it does not answer, or still has an entry
   */
  async clear(): Promise<void> {
    const { prefix, now } = this.settings;
    const layers = listedLayers(this.store);
    // Caches swallow the errors of their stores: a mark that is still there afterwards tells.
    const mark = `${CLEAR_MARK}${randomUUID()}`;
    const about = { at: now(), cost: 0, ttl: CLEAR_MARK_TTL, staleFor: 0, token: 0, prefix };
    await this.writeSurely(mark, makeEntry(about));
    if (!layers) await this.within(async () => this.store.clear(), maybeCleared());
    for (const layer of layers ?? []) {
      for await (const { key, id } of this.entries(layer)) {
        await this.remove(key);
        if ((await this.readNow(key))?.id === id) throw new Error(notDeleted(key));
      }
    }
    if (await this.readNow(mark)) throw new Error(stillThere());
  }

  /**
   * The keys that match a glob, as callers know them.
   *
   * @throws LockConfigurationError where the cache cannot list them
   */
  async *keys(pattern: string): AsyncGenerator<string> {
    const matches = globMatcher(pattern);
    const layer = listedLayers(this.store)?.at(-1);
    if (!layer) throw new LockConfigurationError(keysNotListed());
    for await (const { key } of this.entries(layer)) if (matches(key) && !key.startsWith(CLEAR_MARK)) yield key;
  }

  /** The entries of this prefix, with their keys as callers know them. */
  private async *entries(layer: ListedLayer): AsyncGenerator<{ readonly key: string; readonly id: string }> {
    const { prefix } = this.settings;
    const found = layer.iterator(layer.namespace)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.within(async () => found.next(), '');
        if (next.done) return;
        const [key, stored] = next.value as [unknown, unknown];
        const entry = readEntry(stored, prefix);
        if (typeof key === 'string' && key.startsWith(prefix) && entry)
          yield { key: key.slice(prefix.length), id: entry.id };
      }
    } finally {
      // Not awaited: a cache that has fallen silent would hold up its caller here.
      void found.return?.().catch(() => undefined);
    }
  }

  private async isStored(key: string, { id }: CacheEntry): Promise<boolean> {
    try {
      return (await this.readNow(key))?.id === id;
    } catch (error) {
      if (await this.concernsKeyAlone(error)) return false;
      throw error;
    }
  }

  /** Whether a cache that could not give the value of a key answers for others: what it has there cannot be read. */
  private async concernsKeyAlone(error: unknown): Promise<boolean> {
    if (error instanceof CacheSilentError) return false;
    try {
      await this.get(NO_KEY);
      return true;
    } catch {
      return false;
    }
  }

  private sayOnce(key: string, line: string): void {
    if (this.said.has(key)) return;
    if (this.said.size >= MOST_SAID) this.said.clear();
    this.said.add(key);
    this.log.add(line);
  }

  private async readNow(key: string): Promise<CacheEntry | undefined> {
    return readEntry(await this.get(key), this.settings.prefix);
  }

  private async get(key: string): Promise<unknown> {
    return this.within(async () => this.store.get(this.inStore(key)), '');
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

  /**
   * @param consequence - what a caller has to know if there is no answer
   * @param whenLate - called when the call is answered after all
   */
  private async within<T>(call: () => Promise<T>, consequence: string, whenLate?: () => void): Promise<T> {
    const { cacheTimeout } = this.settings;
    const answer = call();
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (whenLate) answer.then(whenLate, () => undefined);
        reject(new CacheSilentError(cacheSilent(cacheTimeout, consequence)));
      }, cacheTimeout);
    });
    try {
      return await Promise.race([answer, silence]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The cache has not answered. */
class CacheSilentError extends Error {}

/** A cache that can list its keys. */
type ListedLayer = Required<Pick<CacheFlightStore, 'iterator'>> & { readonly namespace?: string };

/** The caches that a cache is made of, the last of which has everything; `undefined` where that cannot list its keys. */
function listedLayers(store: CacheFlightStore): ListedLayer[] | undefined {
  const layers = (store.stores ?? [store]) as Partial<ListedLayer>[];
  const isListed = (layer: Partial<ListedLayer> | undefined): layer is ListedLayer =>
    typeof layer?.iterator === 'function';
  return isListed(layers.at(-1)) ? layers.filter(isListed) : undefined;
}
