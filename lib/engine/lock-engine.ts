import { randomUUID } from 'node:crypto';
import { LockBackendError, LockTimeoutError } from '../errors/index.js';
import type { Duration, LockInfo, LockingProvider } from '../interfaces/index.js';
import { parseExpire, type CallOptions } from './call-options.js';
import { systemClock, type Clock, type ClockTimer } from './clock.js';
import { localDeadline } from './drift.js';
import { closed, givenUpAtShutdown } from './engine.messages.js';
import type { EngineParts } from './engine-parts.js';
import type { EngineSettings } from './engine-settings.js';
import { HoldTable } from './hold-table.js';
import { runJob, type LockedJob } from './job-runner.js';
import { LeaseAcquisition } from './lease-acquisition.js';
import { LeaseKeeper } from './lease-keeper.js';
import { LeaseRelease } from './lease-release.js';
import { listLeases, toLockInfo } from './lease-view.js';
import type { Lease } from './lease.js';
import { enclosingLease } from './lock-context.js';
import { LockHandle, type HandleActions } from './lock-handle.js';
import { first, ReleaseRetry } from './release-retry.js';
import { STORE_ANSWER_TIMEOUT, StoreCalls } from './store-calls.js';
import { WaitQueue } from './wait-queue.js';

/**
 * Everything about locks that is the same on every store: waiting in line, deadlines, renewal, reentrancy, giving
 * back. One per provider and application; it knows neither Nest nor Redis. Keys come in normalized, options resolved.
 */
export class LockEngine implements HandleActions {
  private readonly parts: EngineParts;
  private readonly acquisition: LeaseAcquisition;
  private readonly releases: LeaseRelease;
  private readonly jobs = new Set<Promise<unknown>>();
  private closing = false;

  constructor(provider: LockingProvider, settings: EngineSettings, clock: Clock = systemClock) {
    const calls = new StoreCalls(clock);
    const holds = new HoldTable();
    const queue = new WaitQueue();
    const wake = (keys: readonly string[]): void => {
      queue.wake(keys);
    };
    const instanceId = randomUUID();
    let count = 0;
    this.parts = {
      provider,
      clock,
      settings,
      calls,
      holds,
      queue,
      keeper: new LeaseKeeper(provider, calls, clock, holds, settings.expire, wake),
      retry: new ReleaseRetry(provider, calls, clock, wake),
      nextId: () => `${instanceId}.${(count++).toString(36)}`,
    };
    this.acquisition = new LeaseAcquisition(this.parts);
    this.releases = new LeaseRelease(this.parts);
  }

  get settings(): EngineSettings {
    return this.parts.settings;
  }

  async execute<T>(keys: readonly string[], job: LockedJob<T>, options: CallOptions): Promise<T> {
    const run = (async () => runJob(this, await this.acquire(keys, options), job))();
    this.jobs.add(run);
    try {
      return await run;
    } finally {
      this.jobs.delete(run);
    }
  }

  async acquire(keys: readonly string[], options: CallOptions): Promise<LockHandle> {
    options.signal?.throwIfAborted();
    const joined = options.reentrant ? this.join(keys, options.ownerId) : new Map<string, Lease>();
    const missing = joined.size === 0 ? keys : keys.filter((key) => !joined.has(key));
    const leases = new Set(joined.values());
    for (const lease of leases) lease.joins += 1;
    if (missing.length > 0) {
      try {
        if (this.closing) throw new LockBackendError(keys, closed(keys));
        leases.add(await this.acquisition.take(missing, options));
      } catch (error) {
        for (const lease of leases) await this.leave(lease, 0);
        throw error;
      }
    }
    const all = [...leases] as [Lease, ...Lease[]];
    return new LockHandle(keys, all[0].terms.ownerId, all, options.minHold, this);
  }

  async tryAcquire(keys: readonly string[], options: CallOptions): Promise<LockHandle | null> {
    try {
      return await this.acquire(keys, { ...options, timeout: 0 });
    } catch (error) {
      if (error instanceof LockTimeoutError) return null;
      throw error;
    }
  }

  async leave(lease: Lease, minHold: number): Promise<boolean> {
    return this.releases.leave(lease, minHold);
  }

  async extend(lease: Lease, expire: Duration | undefined): Promise<boolean> {
    const { terms, holds } = lease;
    const ttl = expire === undefined ? terms.ttl : parseExpire(expire, this.settings);
    if (holds.size === 0) return false;
    await this.extendKeys([...holds.keys()], terms.ownerId, ttl);
    return lease.held;
  }

  /** All or nothing; false if any key is not `ownerId`'s. */
  async extendKeys(keys: readonly string[], ownerId: string, ttl: number | null): Promise<boolean> {
    const { calls, provider, clock, keeper } = this.parts;
    const sentAt = clock.now();
    const asked = keeper.askedAfter(keys, ownerId);
    const held = await calls.run('extend', keys, async () => first(provider.extend([{ keys, ownerId, ttl }])));
    keeper.noteAnswer(asked, held, ttl === null ? undefined : localDeadline(sentAt, ttl));
    return held.every(Boolean);
  }

  async release(keys: readonly string[], ownerId: string | undefined): Promise<boolean> {
    return this.releases.releaseKeys(keys, ownerId);
  }

  async releaseAll(ownerId: string | undefined): Promise<number> {
    return this.releases.releaseAll(ownerId);
  }

  async forceRelease(keys: readonly string[]): Promise<number> {
    return this.releases.forceRelease(keys);
  }

  async inspect(key: string): Promise<LockInfo | null> {
    const { calls, provider } = this.parts;
    const [stored] = await calls.run('inspect', [key], async () => provider.inspect([key]));
    return stored ? toLockInfo(stored, this.parts) : null;
  }

  async *list(match: string | undefined): AsyncGenerator<LockInfo> {
    for await (const stored of listLeases(this.parts, match)) yield toLockInfo(stored, this.parts);
  }

  /**
   * Ends the engine: no new locks, no more waiting, running jobs waited for up to `drainTimeout`, everything that is
   * still held released.
   *
   * @returns how many jobs had not ended by then
   */
  async close(): Promise<number> {
    const { queue, keeper, retry, clock, settings } = this.parts;
    this.closing = true;
    for (const waiter of queue.everyone()) {
      waiter.finish({ reason: 'error', error: new LockBackendError(waiter.keys, closed(waiter.keys)) });
    }
    await settledWithin([...this.jobs], settings.drainTimeout, clock);
    const unfinished = this.jobs.size;
    try {
      await settledWithin(this.acquisition.attempts, STORE_ANSWER_TIMEOUT, clock);
      await this.releases.releaseAll(undefined, givenUpAtShutdown);
    } finally {
      keeper.close();
      await retry.close();
    }
    return unfinished;
  }

  private join(keys: readonly string[], ownerId: string | undefined): Map<string, Lease> {
    const found = new Map<string, Lease>();
    for (const key of keys) {
      const lease = enclosingLease(this, key, ownerId);
      if (lease) found.set(key, lease);
    }
    return found;
  }
}

async function settledWithin(jobs: readonly Promise<unknown>[], milliseconds: number, clock: Clock): Promise<void> {
  if (jobs.length === 0) return;
  let timer: ClockTimer | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = clock.setTimer(resolve, milliseconds, true);
  });
  await Promise.race([Promise.allSettled(jobs), deadline]);
  timer?.cancel();
}
