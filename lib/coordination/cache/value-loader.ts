import { unstartedWork } from '../../engine/lock/unstarted-work.js';
import { isLockBackendError, LockConfigurationError } from '../../errors/index.js';
import type { Lock } from '../../interfaces/index.js';
import type { ThrottledLog } from '../../logging/throttled-log.js';
import { freshnessOf, makeEntry, type CacheEntry } from './cache-entry.js';
import { CacheLoadTimeoutError } from './cache-load-timeout.error.js';
import { isLockFailure, undoIfLate, type CacheLocks } from './cache-locks.js';
import type { CacheLoad } from './cache-options.interface.js';
import { notStored, unstartedLoad, withoutLock } from './cache.messages.js';
import type { BoundedCache } from './bounded-cache.js';
import type { CacheSettings, LoadSettings } from './read-cache-options.js';

/** A load that a caller asks for. */
export interface LoadRequest {
  readonly key: string;
  readonly load: (load: CacheLoad) => unknown;
  readonly settings: LoadSettings;
  /** The entry that is to be replaced, if there is one. */
  readonly seen: CacheEntry | undefined;
  /** The time of day of the call. */
  readonly askedAt: number;
}

/** The value, as an object: it may be a thenable. */
export interface Loaded {
  readonly value: unknown;
  /** Whether it stands in the cache, so that the next call finds it there. */
  readonly isKept: boolean;
}

/** What became of a load under the lock: `lockFailure` is why it did not begin. */
type Attempt = { readonly loaded: Loaded } | { readonly lockFailure: unknown };

/** Loads a value once over all processes, and stores it unless the key has changed meanwhile. */
export class ValueLoader {
  constructor(
    private readonly cache: BoundedCache,
    private readonly locks: CacheLocks,
    private readonly settings: CacheSettings,
    private readonly log: ThrottledLog,
  ) {}

  /**
   * @param onRevoked - called when the lock ends before the load does: later callers must not share its value
   * @throws what the load throws; CacheLoadTimeoutError; with `onLockFailure: 'throw'` the errors of the lock
   */
  async load(request: LoadRequest, onRevoked: () => void): Promise<Loaded> {
    const { settings } = request;
    // Processes that took turns would each load all the same.
    if (this.cache.isDownFor(request.key)) return { value: (await this.run(request)).value, isKept: false };
    const end = await this.loadLocked(request, settings.timeout, onRevoked);
    return 'loaded' in end ? end.loaded : this.loadUnlocked(request, end.lockFailure);
  }

  /**
   * Replaces an entry that may still be served.
   *
   * @returns `undefined` if another process is at it
   */
  async refresh(request: LoadRequest, onRevoked: () => void): Promise<Loaded | undefined> {
    const end = await this.loadLocked(request, 0, onRevoked);
    if ('loaded' in end) return end.loaded;
    return isLockBackendError(end.lockFailure) ? this.loadUnlocked(request, end.lockFailure) : undefined;
  }

  /** @throws what the load throws, be it an error of other locks */
  private async loadLocked(request: LoadRequest, timeout: number, onRevoked: () => void): Promise<Attempt> {
    const { key, settings } = request;
    let end: { readonly loaded: Loaded } | { readonly error: unknown } | undefined;
    const job = async (lock: Lock): Promise<void> => {
      lock.signal.addEventListener('abort', onRevoked);
      try {
        const found = await this.lookAgain(request);
        if (found) {
          end = { loaded: found };
          return;
        }
        const entry = await this.run(request, lock);
        end = { loaded: { value: entry.value, isKept: false } };
        end = { loaded: { value: entry.value, isKept: await this.store(request, entry, lock) } };
      } catch (error) {
        end = { error };
      } finally {
        lock.signal.removeEventListener('abort', onRevoked);
      }
    };
    try {
      await this.locks.load(key, job, { ...settings, timeout });
    } catch (error) {
      // A lock that was lost, or could not be released, takes nothing from the value: only its storing depends on it.
      if (!end && isLockFailure(error)) return { lockFailure: error };
      end ??= { error };
    }
    if (!end || 'error' in end) throw end?.error;
    return end;
  }

  /** @throws the error of the lock, with `onLockFailure: 'throw'`; what the load throws */
  private async loadUnlocked(request: LoadRequest, lockFailure: unknown): Promise<Loaded> {
    const { key, settings } = request;
    if (settings.onLockFailure === 'throw') throw lockFailure;
    this.log.add(withoutLock(key, lockFailure));
    const found = await this.lookAgain(request);
    if (found) return found;
    const entry = await this.run(request);
    let isKept = false;
    // A holder that was too slow to be waited for stores its own value.
    if (isLockBackendError(lockFailure) && entry.ttl > 0) {
      const other = await this.cache.read(key);
      // There is no lock to tell of a deletion, but a value that came meanwhile is there to be seen.
      isKept = !other || other.at < entry.at - entry.cost ? await this.cache.keep(key, entry) : true;
    }
    return { value: entry.value, isKept };
  }

  /** What another process has loaded while this one waited for the lock. */
  private async lookAgain({ key, seen, askedAt }: LoadRequest): Promise<Loaded | undefined> {
    const entry = await this.cache.read(key);
    if (!entry || entry.id === seen?.id) return undefined;
    // With a short ttl its time may be over already. A load that began after this call is what the call asked for all the same.
    const answers = entry.at - entry.cost >= askedAt || freshnessOf(entry, this.settings.now()) === 'fresh';
    return answers ? { value: entry.value, isKept: true } : undefined;
  }

  private async run({ key, load, settings }: LoadRequest, lock?: Lock): Promise<CacheEntry> {
    const { loadTimeout, negativeTtl, staleFor } = settings;
    const at = this.settings.now();
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new CacheLoadTimeoutError(key, loadTimeout);
        reject(error);
        controller.abort(error);
      }, loadTimeout).unref();
    });
    const token = lock?.fencingToken;
    try {
      const loading = Promise.resolve().then(() => load({ signal: controller.signal, fencingToken: token }));
      const value = await Promise.race([loading, timedOut]);
      const unstarted = unstartedWork(value);
      if (unstarted) throw new LockConfigurationError(unstartedLoad(key, unstarted));
      const cost = Math.max(0, this.settings.now() - at);
      const ttl = value === undefined || value === null ? negativeTtl || 0 : settings.ttl;
      return makeEntry({ prefix: this.settings.prefix, value, at: at + cost, cost, ttl, staleFor, token: token ?? 0 });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Stores a loaded value, unless `set`, `delete` or `clear` has revoked its lock, or another process has taken over.
   *
   * @returns whether the value before it, if any, is not served any more
   */
  private async store({ key, seen, settings }: LoadRequest, entry: CacheEntry, lock: Lock): Promise<boolean> {
    if (entry.ttl === 0 && !seen) return false;
    let isKept = false;
    try {
      await this.locks.write(
        key,
        async (write) => {
          // The lock store is asked, not the local clock: a revocation may not have been heard of yet.
          if (!(await lock.extend())) return;
          // There is no value any more, and the one before it is not to be served.
          if (entry.ttl > 0) isKept = await this.cache.keep(key, entry);
          else {
            await this.cache.removeSurely(key);
            isKept = true;
          }
          await undoIfLate(this.cache, key, [lock, write]);
        },
        settings,
      );
    } catch (error) {
      this.log.add(notStored(key, error));
    }
    return isKept;
  }
}
