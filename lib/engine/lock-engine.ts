import { isObserved } from '../diagnostics/traces.js';
import { LockBackendError, LockTimeoutError } from '../errors/index.js';
import type { ExecuteOptions } from '../interfaces/index.js';
import type { LeaseStore } from '../provider-api/index.js';
import type { Acquirer } from './acquire/acquirer.js';
import { assemble, type Assembly } from './assemble.js';
import { LockOverview } from './control/lock-overview.js';
import { Shutdown, type ShutdownOutcome } from './control/shutdown.js';
import { StoreReplacement } from './control/store-replacement.js';
import { SoloWaiter } from './dispatch/solo-waiter.js';
import { closed } from './engine.messages.js';
import type { KeyReleaser } from './hold/key-releaser.js';
import type { Grant } from './hold/lease.js';
import { DroppedLocks } from './lock/dropped-locks.js';
import { HeldLock } from './lock/held-lock.js';
import { LockActions } from './lock/lock-actions.js';
import { runJob, type LockedJob } from './lock/job-runner.js';
import { enclosingGrants, grantsAround } from './lock/lock-context.js';
import { LockReports, type Enqueue } from './lock/lock-reports.js';
import { LockTransfer } from './lock/lock-transfer.js';
import { SlowLocks } from './lock/slow-locks.js';
import { TransactionFence } from './lock/transaction-fence.js';
import { isSolo, resolveCallOptions, type CallOptions, type HoldMode } from './options/call-options.js';
import type { EngineSettings } from './options/engine-settings.js';
import { assertNoPretence, makeProcessId } from './options/lock-names.js';
import type { Clock } from './runtime/clock.js';
import { systemClock } from './runtime/system-clock.js';
import { NO_ORIGIN } from './store/store-calls.js';
import { Waiter } from './wait/queue.js';

/**
 * Everything about locks that is the same on every store: waiting, hand-off, deadlines, renewal, reentrancy, release.
 * One per provider and application; it knows neither Nest nor Redis. Keys come in normalized, options resolved.
 */
export class LockEngine {
  /** Releases locks by key, for their owner or an operator. */
  readonly byKey: KeyReleaser;

  /** Shows what is held, and how many callers wait for it. */
  readonly overview: LockOverview;

  /** Mends what another server of the store lacks. */
  readonly replacement: StoreReplacement;

  readonly actions: LockActions;
  private readonly parts: Assembly;
  private readonly processId: string;
  private readonly transfer: LockTransfer;
  private readonly shutdown: Shutdown;
  private readonly resolved: Record<HoldMode, WeakMap<ExecuteOptions, CallOptions>> = {
    job: new WeakMap(),
    handle: new WeakMap(),
  };

  private readonly dropped?: DroppedLocks;
  private readonly reports: LockReports;
  private readonly slow: SlowLocks;

  /**
   * @param warn - tells the operator of locks that were dropped without a release; without it nothing looks for them
   * @param instanceId - the name of this instance of the application
   * @param warnOfSlow - tells the operator of locks that are waited for or held for long
   * @param origin - what messages of the diagnostics channels name as their source
   */
  constructor(
    readonly provider: LeaseStore,
    readonly settings: EngineSettings,
    clock: Clock = systemClock,
    warn?: (message: string) => void,
    origin = NO_ORIGIN,
    instanceId?: string,
    warnOfSlow: (message: string) => void = () => undefined,
  ) {
    this.reports = new LockReports(origin, clock);
    this.slow = new SlowLocks(clock, warnOfSlow);
    if (warn) this.dropped = new DroppedLocks(warn);
    const processId = (this.processId = makeProcessId(instanceId));
    this.parts = assemble({ store: provider, settings, clock, origin, processId, reports: this.reports });
    const { calls, retry, leases, queues, acquirer, extender, renewer, releaser, poller, host, advance } = this.parts;
    this.byKey = this.parts.byKey;
    this.overview = new LockOverview(provider, calls, leases, queues, processId);
    this.transfer = new LockTransfer(provider, calls, leases, renewer, advance);
    const fence = new TransactionFence(provider, calls, extender);
    this.actions = new LockActions(this, settings, releaser, extender, this.slow, fence, this.transfer);
    this.replacement = new StoreReplacement(calls, retry, renewer, acquirer, processId, settings.expire);
    this.shutdown = new Shutdown(calls, retry, leases, releaser, renewer, poller, clock, () => {
      host.endAll(closedFor);
    });
  }

  /**
   * The options of a call, checked. What cannot change any more is checked once.
   *
   * @param isHandedOver - whether the owner is one that another process has made
   * @throws LockConfigurationError for an option that is unknown or cannot work
   */
  resolve(options: ExecuteOptions, mode: HoldMode, isHandedOver = false): CallOptions {
    const known = this.resolved[mode].get(options);
    if (known) return known;
    const resolved = resolveCallOptions(options, mode, this.settings);
    if (resolved.ownerId !== undefined && !isHandedOver) assertNoPretence(resolved.ownerId, this.processId);
    if (Object.isFrozen(options)) this.resolved[mode].set(options, resolved);
    return resolved;
  }

  // These are no async functions: each would cost a call another promise.
  /* eslint-disable @typescript-eslint/promise-function-async */

  execute<T>(keys: readonly string[], job: LockedJob<T>, options: CallOptions): Promise<T> {
    this.shutdown.jobBegins();
    return runJob(this, this.lockFor(keys, options), job, options.awaitRelease, this.shutdown.jobEnds);
  }

  acquire(keys: readonly string[], options: CallOptions): Promise<HeldLock> {
    // The caller may release by the name that it gave, without the lock.
    return this.lockFor(keys, options, options.ownerId === undefined ? this.dropped : undefined);
  }

  /** @param dropped - watches over a lock that only its caller can release, if that is to be noticed */
  private lockFor(keys: readonly string[], options: CallOptions, dropped?: DroppedLocks): Promise<HeldLock> {
    const joined = this.joinedBy(keys, options);
    if (joined) return this.join(keys, joined, options, dropped);
    return new Promise((resolve, reject) => {
      const granted = (grant: Grant): void => {
        resolve(this.lockOn(keys, [grant], options, dropped));
      };
      this.take(keys, options, granted, reject);
    });
  }

  /* eslint-enable @typescript-eslint/promise-function-async */

  private joinedBy(
    keys: readonly string[],
    { reentrant, ownerId, signal }: CallOptions,
  ): ReadonlyMap<string, Grant> | undefined {
    return reentrant && !signal?.aborted ? enclosingGrants(this, keys, ownerId) : undefined;
  }

  private lockOn(
    keys: readonly string[],
    grants: readonly [Grant, ...Grant[]],
    { minHold }: CallOptions,
    dropped?: DroppedLocks,
  ): HeldLock {
    for (const grant of grants) if (!grant.isDelivered) this.deliver(grant);
    const lock = new HeldLock(keys, grants[0].ownerId, grants, minHold, this.actions);
    if (dropped && grants.some((grant) => grant.isRenewed())) lock.watchWith(dropped);
    return lock;
  }

  async tryAcquire(keys: readonly string[], options: CallOptions): Promise<HeldLock | null> {
    try {
      return await this.acquire(keys, { ...options, timeout: 0 });
    } catch (error) {
      if (error instanceof LockTimeoutError) return null;
      throw error;
    }
  }

  /** Takes over what `handOver` of another process has left in the store; `null` if that has changed. */
  async restore(
    tokens: ReadonlyMap<string, number>,
    keys: readonly string[],
    options: CallOptions,
  ): Promise<HeldLock | null> {
    return this.transfer.takeOver(tokens, keys, options.ownerId, async () =>
      this.tryAcquire(keys, { ...options, onlyIfOwned: true }),
    );
  }

  /** A call of the store that is not about leases. Rejects as those do. */
  async ask<T>(action: string, keys: readonly string[], call: () => Promise<T>): Promise<T> {
    return this.parts.calls.run(action, keys, call);
  }

  /** All or nothing; false if any key is not `ownerId`'s. */
  async extendKeys(keys: readonly string[], ownerId: string, ttl: number | null): Promise<boolean> {
    return this.parts.extender.extendOfOwner(keys, ownerId, ttl);
  }

  /** What this process hears of the store. */
  get wakeUps(): Acquirer['wakeUps'] {
    return this.parts.acquirer.wakeUps;
  }

  /**
   * Ends the engine: no new locks, no more waiting, running jobs waited for up to `drainTimeout`, everything that is
   * still held released. Further calls come to the same end.
   *
   * @param spent - milliseconds of `drainTimeout` that the shutdown has taken already
   */
  async close(spent = 0): Promise<ShutdownOutcome> {
    return this.shutdown.end(Math.max(0, this.settings.drainTimeout - spent));
  }

  private take(
    keys: readonly string[],
    options: CallOptions,
    granted: (grant: Grant) => void,
    failed: (error: unknown) => void,
  ): void {
    if (options.signal?.aborted) {
      failed(options.signal.reason);
      return;
    }
    if (this.shutdown.isClosing) {
      failed(closedFor(keys));
      return;
    }
    if (options.warnAfter !== Infinity) ({ granted, failed } = this.slow.watch({ keys, options, granted, failed }));
    if (isObserved()) this.reports.observe({ keys, options, granted, failed }, this.enqueue);
    else this.enqueue(keys, options, granted, failed);
  }

  private readonly enqueue: Enqueue = (keys, options, granted, failed) => {
    const around = grantsAround(this);
    this.parts.host.join(
      isSolo(keys, options)
        ? new SoloWaiter(keys, options, around, granted, failed, this.parts)
        : new Waiter(keys, options, around, granted, failed),
    );
  };

  /** A caller has `grant` from now on, and may have lost it already. */
  private deliver(grant: Grant): void {
    grant.isDelivered = true;
    if (grant.lostBy !== undefined) this.reports.lost(grant, grant.lostBy);
  }

  private async grantFor(keys: readonly string[], options: CallOptions): Promise<Grant> {
    return new Promise((resolve, reject) => {
      this.take(keys, options, resolve, reject);
    });
  }

  /** Joins what jobs around this call hold already, and takes the rest. */
  private async join(
    keys: readonly string[],
    joined: ReadonlyMap<string, Grant>,
    options: CallOptions,
    dropped?: DroppedLocks,
  ): Promise<HeldLock> {
    const missing = keys.filter((key) => !joined.has(key));
    const grants = new Set(joined.values());
    for (const grant of grants) grant.join();
    if (missing.length > 0) {
      try {
        grants.add(await this.grantFor(missing, options));
      } catch (error) {
        // Each of them, whatever becomes of the others, and without waiting for the store.
        for (const grant of grants) this.parts.releaser.leaveQuietly(grant);
        throw error;
      }
    }
    return this.lockOn(keys, [...grants] as [Grant, ...Grant[]], options, dropped);
  }
}

function closedFor(keys: readonly string[]): LockBackendError {
  return new LockBackendError(keys, closed(keys), { reason: 'shutdown' });
}
