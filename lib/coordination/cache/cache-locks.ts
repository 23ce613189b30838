import { isLockBackendError, isLockLostError, isLockTimeoutError } from '../../errors/index.js';
import type { ExecuteOptions, Lock } from '../../interfaces/index.js';
import type { LockingService } from '../../module/locking.service.js';
import type { BoundedCache } from './bounded-cache.js';
import type { LockSettings } from './read-cache-options.js';

/** Whether the lock could not be had, so that nothing ran under it. */
export function isLockFailure(error: unknown): boolean {
  return isLockTimeoutError(error) || isLockBackendError(error) || (isLockLostError(error) && error.notRun);
}

/**
 * The least time for which a write to the cache waits for another one, in milliseconds. That takes three calls of the cache,
 * and is no load, for which `timeout` says how long to wait.
 */
const LEAST_WRITE_WAIT = 5000;

/** Nothing that follows depends on the answer to the release. */
function optionsOf({ expire, timeout, provider }: LockSettings): ExecuteOptions {
  return { expire: `${expire}ms`, timeout: `${timeout}ms`, provider, awaitRelease: false };
}

function writeOptionsOf(settings: LockSettings): ExecuteOptions {
  return optionsOf({ ...settings, timeout: Math.max(settings.timeout, LEAST_WRITE_WAIT) });
}

/**
 * Two locks a key. A load holds the first for as long as it runs. Every write to the cache holds the second for the write
 * alone: so a load can ask for its first lock and write while no other write comes between, and `set` and `delete`, which
 * revoke the first, need not wait for the load.
 */
export class CacheLocks {
  constructor(
    private readonly locking: LockingService,
    private readonly prefix: string,
  ) {}

  async load<T>(key: string, job: (lock: Lock) => Promise<T>, settings: LockSettings): Promise<T> {
    return this.locking.execute(this.loadKey(key), job, optionsOf(settings));
  }

  /** @throws LockTimeoutError, LockBackendError, LockLostError as `execute` does */
  async write<T>(key: string, job: (lock: Lock) => Promise<T>, settings: LockSettings): Promise<T> {
    return this.locking.execute(this.writeKey(key), job, writeOptionsOf(settings));
  }

  /** No load of the key that has begun until now stores its value. */
  async revokeLoad(key: string, { provider }: LockSettings): Promise<void> {
    await this.locking.forceRelease(this.loadKey(key), { provider });
  }

  /** No load of any key that has begun until now stores its value once this resolves. */
  async revokeAllLoads(settings: LockSettings): Promise<void> {
    const { provider } = settings;
    for (const key of await this.held(this.loadKey(''), settings)) await this.locking.forceRelease(key, { provider });
    // A load that has passed its check before may be writing: its write is over when its second lock is free.
    for (const key of await this.held(this.writeKey(''), settings)) {
      await this.locking.execute(key, () => undefined, writeOptionsOf(settings));
    }
  }

  /** Calls `work`, which outlives the call chain that it is started in, outside the locks of that. */
  detached<T>(work: () => T): T {
    return this.locking.runOutsideLocks(work);
  }

  private async held(prefix: string, { provider }: LockSettings): Promise<string[]> {
    const keys: string[] = [];
    const match = `${prefix.replace(/[*?[\]\\]/g, String.raw`\$&`)}*`;
    for await (const { key } of this.locking.list({ match, provider })) keys.push(key);
    return keys;
  }

  private loadKey(key: string): string {
    return `cache:load:${this.prefix}${key}`;
  }

  private writeKey(key: string): string {
    return `cache:write:${this.prefix}${key}`;
  }
}

/**
 * Undoes a write whose lock may have ended before it: the process stood still for longer than the lease, and a newer value
 * may have been there. Without an entry the next call loads; with a late one it would be served for its whole `ttl`.
 */
export async function undoIfLate(cache: BoundedCache, key: string, locks: readonly Lock[]): Promise<void> {
  if (!locks.every(({ held }) => held)) await cache.remove(key);
}
