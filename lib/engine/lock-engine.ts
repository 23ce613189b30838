import { lockingChannels } from '../diagnostics/channels.js';
import { isObserved } from '../diagnostics/traces.js';
import { LockBackendError, LockConfigurationError, LockLostError, LockTimeoutError } from '../errors/index.js';
import type {
  CheckpointOptions,
  Checkpoints,
  Duration,
  ExecuteOptions,
  LockInfo,
  LockTransaction,
} from '../interfaces/index.js';
import {
  isCancel,
  isFencing,
  isQueueing,
  type EndRequest,
  type LeaseStore,
  type StoredLease,
} from '../provider-api/index.js';
import { Acquirer } from './acquire/acquirer.js';
import { Poller } from './acquire/poller.js';
import { Dispatcher, isSolo } from './dispatch/dispatcher.js';
import { HeldKeyPolls } from './dispatch/held-key-polls.js';
import { LocalHandOff } from './dispatch/local-hand-off.js';
import { SoloWaiter, type SoloContext } from './dispatch/solo-waiter.js';
import { WakeUpRouter } from './dispatch/wake-up-router.js';
import {
  callFailed,
  cannotAssert,
  cannotSerialize,
  closed,
  endedByShutdown,
  noAnswer,
  noCheckpoints,
  noGlob,
  notLocked,
  noTransaction,
  stillAsked,
  takenAway,
} from './engine.messages.js';
import { KeyReleaser } from './hold/key-releaser.js';
import { LeaseExtender } from './hold/lease-extender.js';
import { LeaseTable } from './hold/lease-table.js';
import { listLeases, toLockInfo } from './hold/lease-view.js';
import type { Grant, Lease } from './hold/lease.js';
import { Releaser } from './hold/releaser.js';
import { Renewer } from './hold/renewer.js';
import { DroppedLocks } from './lock/dropped-locks.js';
import { HeldLock, type HeldLockActions } from './lock/held-lock.js';
import { runJob, type LockedJob } from './lock/job-runner.js';
import { enclosingGrants, grantsAround } from './lock/lock-context.js';
import { LockReports, type Enqueue } from './lock/lock-reports.js';
import { SlowLocks } from './lock/slow-locks.js';
import { parseExpire, resolveCallOptions, type CallOptions, type HoldMode } from './options/call-options.js';
import type { EngineSettings } from './options/engine-settings.js';
import { writeHandedOver } from './options/handed-over.js';
import { makeProcessId } from './options/lock-names.js';
import type { Clock, ClockTimer } from './runtime/clock.js';
import { systemClock } from './runtime/system-clock.js';
import { LeaseClock } from './runtime/lease-clock.js';
import { inNeutralContext } from './runtime/neutral-context.js';
import { ReleaseRetry } from './store/release-retry.js';
import { NO_ORIGIN, StoreCalls } from './store/store-calls.js';
import { QueueTable, Waiter } from './wait/queue.js';

/** How long a shutdown waits for releases while none of them is answered, in milliseconds. */
const SETTLING = 1600;

/** What an engine leaves behind when it ends. */
export interface ShutdownOutcome {
  /** How many jobs had not ended in time. */
  readonly unfinished: number;

  /** Names the keys whose release the store has not confirmed. */
  readonly failure?: LockBackendError;
}

/** How many callers of this process wait for locks, and how many locks it holds. */
export interface LockCount {
  waiting: number;
  held: number;
}

/**
 * Everything about locks that is the same on every store: waiting, hand-off, deadlines, renewal, reentrancy, release.
 * One per provider and application; it knows neither Nest nor Redis. Keys come in normalized, options resolved.
 */
export class LockEngine implements HeldLockActions {
  /** Called when another server may answer from now on, which may lack the last writes. */
  readonly onStoreReplaced = new Set<() => void>();

  /** Makes the checkpoints of a lock: they stand on the engine. */
  makeCheckpoints?: <T>(lock: HeldLock, options: CheckpointOptions<T>) => Checkpoints<T>;

  private readonly processId: string;
  private readonly queues = new QueueTable();
  private readonly leases: LeaseTable;
  private readonly calls: StoreCalls;
  private readonly retry: ReleaseRetry;
  private readonly extender: LeaseExtender;
  private readonly renewer: Renewer;
  private readonly releaser: Releaser;
  private readonly keyReleaser: KeyReleaser;
  private readonly acquirer: Acquirer;
  private readonly dispatcher: Dispatcher;
  private readonly solo: SoloContext;
  private readonly poller: Poller;
  private readonly resolved: Record<HoldMode, WeakMap<ExecuteOptions, CallOptions>> = {
    job: new WeakMap(),
    handle: new WeakMap(),
  };

  /** Calls of `execute` that have not ended. */
  private running = 0;
  private onDrained?: () => void;
  private closing = false;
  private ending?: Promise<ShutdownOutcome>;

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
    private readonly clock: Clock = systemClock,
    warn?: (message: string) => void,
    origin = NO_ORIGIN,
    instanceId?: string,
    warnOfSlow: (message: string) => void = () => undefined,
  ) {
    this.reports = new LockReports(origin, clock);
    this.processId = makeProcessId(instanceId);
    this.slow = new SlowLocks(clock, warnOfSlow);
    if (warn) this.dropped = new DroppedLocks(warn);
    const { processId, queues } = this;
    let count = 0;
    const nextId = (): string => `${processId}.${(count++).toString(36)}`;
    const advance = (keys: readonly string[]): void => {
      this.dispatcher.advanceKeys(keys);
    };
    const leaseClock = new LeaseClock(clock);
    const calls = (this.calls = new StoreCalls(provider, clock, origin));
    const retry = (this.retry = new ReleaseRetry(calls, clock, advance));
    const leases = (this.leases = new LeaseTable(
      (lease) => {
        this.dispatcher.noteEnd(lease);
      },
      (grant, reason) => {
        this.reports.lost(grant, reason);
      },
    ));
    const onLost = ({ key, ownerId, attemptId, ttl }: Lease): void => {
      // A store that has lost its last writes may still have this attempt in its queue, and grant it again.
      retry.add({ keys: [key], ownerId, attemptId, processId, pending: false }, ttl);
    };
    const extender = (this.extender = new LeaseExtender(calls, leaseClock, leases, onLost, advance));
    const renewer = (this.renewer = new Renewer(extender, clock, leaseClock, leases, settings.expire, advance));
    const tryHandOff = (grant: Grant): boolean => this.dispatcher.tryHandOff(grant);
    const releaser = new Releaser(calls, retry, leases, renewer, clock, leaseClock, processId, tryHandOff, advance);
    this.releaser = releaser;
    const onFreeing = (keys: readonly string[]): void => {
      queues.noteReleased(keys);
    };
    this.keyReleaser = new KeyReleaser(provider, calls, leases, processId, onFreeing, advance);

    const poller = (this.poller = new Poller(clock));
    const { backoff } = settings;
    const subscribe = isQueueing(provider)
      ? async () => inNeutralContext(async () => provider.listen(processId, router))
      : undefined;
    const acquirer: Acquirer = new Acquirer(
      calls,
      retry,
      leases,
      poller,
      leaseClock,
      clock,
      backoff,
      processId,
      nextId,
      queues,
      subscribe,
    );
    this.acquirer = acquirer;
    const handOff = new LocalHandOff(
      leases,
      renewer,
      extender,
      clock,
      leaseClock,
      nextId,
      isQueueing(provider) ? provider.cohortGrants : undefined,
    );
    const heldKeys = new HeldKeyPolls(poller, leases, extender, backoff.maximum);
    const gap = isQueueing(provider) ? 0 : backoff.initial;
    const dispatcher = new Dispatcher(
      queues,
      leases,
      acquirer,
      handOff,
      releaser,
      renewer,
      heldKeys,
      calls,
      clock,
      gap,
      (waiter, error) => {
        this.reports.refused(waiter, error);
      },
    );
    this.dispatcher = dispatcher;
    const router: WakeUpRouter = new WakeUpRouter(queues, leases, acquirer, handOff, retry, advance, (status) => {
      lockingChannels.wakeUps.publish({ ...origin, status });
    });
    this.solo = { host: dispatcher, queues, leases, acquirer, releaser, renewer, extender, clock, leaseClock, nextId };
  }

  /**
   * The options of a call, checked. What cannot change any more is checked once.
   *
   * @throws LockConfigurationError for an option that is unknown or cannot work
   */
  resolve(options: ExecuteOptions, mode: HoldMode): CallOptions {
    const known = this.resolved[mode].get(options);
    if (known) return known;
    const resolved = resolveCallOptions(options, mode, this.settings);
    if (Object.isFrozen(options)) this.resolved[mode].set(options, resolved);
    return resolved;
  }

  // These two are no async functions: that would cost every call another promise.
  /* eslint-disable @typescript-eslint/promise-function-async */

  execute<T>(keys: readonly string[], job: LockedJob<T>, options: CallOptions): Promise<T> {
    this.running += 1;
    return runJob(this, this.hold(keys, options), job, options.awaitRelease, this.onJobEnd);
  }

  acquire(keys: readonly string[], options: CallOptions): Promise<HeldLock> {
    // The caller may release by the name that it gave, without the lock.
    return options.ownerId === undefined ? this.hold(keys, options, this.dropped) : this.hold(keys, options);
  }

  /** @param dropped - watches over a lock that only its caller can release, if that is to be noticed */
  private hold(keys: readonly string[], options: CallOptions, dropped?: DroppedLocks): Promise<HeldLock> {
    if (options.signal?.aborted) return Promise.reject(options.signal.reason as Error);
    const joined = options.reentrant ? enclosingGrants(this, keys, options.ownerId) : undefined;
    if (joined) return this.join(keys, joined, options, dropped);
    return new Promise((resolve, reject) => {
      this.take(
        keys,
        options,
        (grant) => {
          this.deliver(grant);
          const lock = new HeldLock(keys, grant.ownerId, [grant], options.minHold, this);
          if (dropped && grant.isRenewed()) lock.watchWith(dropped);
          resolve(lock);
        },
        reject,
      );
    });
  }

  /* eslint-enable @typescript-eslint/promise-function-async */

  async tryAcquire(keys: readonly string[], options: CallOptions): Promise<HeldLock | null> {
    try {
      return await this.acquire(keys, { ...options, timeout: 0 });
    } catch (error) {
      if (error instanceof LockTimeoutError) return null;
      throw error;
    }
  }

  /** A call of the store that is not about leases. Rejects as those do. */
  async ask<T>(action: string, keys: readonly string[], call: () => Promise<T>): Promise<T> {
    return this.calls.run(action, keys, call);
  }

  leave(grant: Grant, minHold: number): boolean | Promise<boolean> {
    const held = this.releaser.leave(grant, minHold);
    if (this.slow.size > 0 && !grant.hasLocks) this.slow.end(grant);
    return held;
  }

  async extend(grant: Grant, expire: Duration | undefined): Promise<boolean> {
    const { leases, options } = grant;
    const ttl = expire === undefined ? options.ttl : parseExpire(expire, this.settings);
    const [first] = leases;
    if (!first) return false;
    const keys = leases.map(({ key }) => key);
    await this.extender.extendByKey(keys, first.ownerId, ttl);
    return grant.held;
  }

  /** @throws what {@link Lock.assertIn} does */
  async assertIn(lock: HeldLock, transaction: LockTransaction): Promise<void> {
    const { provider } = this;
    const { keys } = lock;
    if (!isFencing(provider)) throw new LockConfigurationError(cannotAssert(keys));
    if (typeof (transaction as Partial<LockTransaction> | undefined)?.query !== 'function') {
      throw new LockConfigurationError(noTransaction());
    }
    const leases = keys.map((key) => lock.leaseOf(key)).filter((lease) => lease !== undefined);
    const held = leases.map(({ key, ownerId, attemptId }) => ({ key, ownerId, attemptId }));
    for (const lease of leases) lease.isReliedOn = true;
    // Bounded: the release waits for it, and its transaction is the application's.
    const stands = await this.calls.run('make sure of', keys, async () =>
      provider.assertIn(transaction, held).catch((error: unknown) => {
        if (error instanceof LockConfigurationError) return error;
        throw error;
      }),
    );
    if (stands instanceof LockConfigurationError) throw stands;
    const lost = leases.filter((_, index) => !stands[index]);
    if (lost.length === 0 && held.length === keys.length) return;
    // The store says so to those who hold them as well.
    for (const { key, ownerId } of lost) this.extender.extendByKey([key], ownerId, null).catch(() => undefined);
    const gone = keys.filter((key) => !leases.some((lease) => lease.key === key && !lost.includes(lease)));
    throw new LockLostError(gone, takenAway(gone));
  }

  /** @throws LockConfigurationError where there are none */
  checkpoints<T>(lock: HeldLock, options: CheckpointOptions<T>): Checkpoints<T> {
    if (!this.makeCheckpoints) throw new LockConfigurationError(noCheckpoints());
    return this.makeCheckpoints(lock, options);
  }

  /** @throws what `LockingService.assertLocked` does */
  assertLocked(keys: readonly string[]): void {
    const around = grantsAround(this) ?? [];
    for (const key of keys) {
      const covering = around.filter((grant) => grant.keys.includes(key));
      if (covering.some((grant) => grant.held && grant.leaseOf(key))) continue;
      if (covering.length === 0) throw new LockConfigurationError(notLocked(key));
      throw covering.find(({ loss }) => loss)?.loss ?? new LockLostError([key], takenAway([key]));
    }
  }

  /**
   * Ends what this process has of a lock, and leaves it to the store.
   *
   * @returns what another process needs to go on with it
   * @throws LockConfigurationError for a lock that others here share, or that its job releases
   * @throws LockBackendError when a late request might acquire the keys for this process again
   */
  handOver(lock: HeldLock): string {
    const { keys, grants, isOfJob } = lock;
    const [grant, ...others] = grants;
    const { leases } = grant;
    const isShared = others.length > 0 || grant.isJoined || leases.some((lease) => lease.grants.length > 1);
    const ownerId = leases[0]?.ownerId;
    if (ownerId === undefined || isOfJob || isShared) throw new LockConfigurationError(cannotSerialize(keys));
    if (leases.some(({ source }) => source?.unsettled)) {
      const cause = new Error(stillAsked());
      throw new LockBackendError(keys, callFailed('hand over', keys, cause), { cause });
    }
    // Of a lease that went from holder to holder here, the store knows the first one.
    const tokens = new Map(leases.map(({ key, shared, firstToken, token }) => [key, shared ? firstToken : token]));
    this.slow.end(grant);
    this.renewer.unwatch(grant);
    this.leases.end(grant);
    grant.close();
    this.dispatcher.advanceKeys(keys);
    return writeHandedOver({ ownerId, tokens });
  }

  /** What `handOver` of another process has left in the store; `null` if that has changed. */
  async restore(
    tokens: ReadonlyMap<string, number>,
    keys: readonly string[],
    options: CallOptions,
  ): Promise<HeldLock | null> {
    const stored = await this.calls.run('inspect', keys, async () => this.provider.inspect(keys));
    const stands = keys.every((key, index) => {
      const lease = stored[index];
      return lease?.ownerId === options.ownerId && lease?.fencingToken === tokens.get(key);
    });
    return stands ? this.tryAcquire(keys, { ...options, onlyIfOwned: true }) : null;
  }

  /** All or nothing; false if any key is not `ownerId`'s. */
  async extendKeys(keys: readonly string[], ownerId: string, ttl: number | null): Promise<boolean> {
    let owner = ownerId;
    for (const key of keys) {
      const lease = this.leases.get(key);
      if (!lease?.shared) continue;
      // The store knows only the first of those who have it in turn.
      if (lease.grants[0]?.ownerId !== ownerId || keys.length > 1) return false;
      owner = lease.ownerId;
    }
    return this.extender.extendByKey(keys, owner, ttl);
  }

  async release(keys: readonly string[], ownerId: string | undefined): Promise<boolean> {
    return this.keyReleaser.releaseKeys(keys, ownerId);
  }

  async releaseAll(ownerId: string | undefined): Promise<number> {
    return this.keyReleaser.releaseAll(ownerId);
  }

  async forceRelease(keys: readonly string[]): Promise<number> {
    return this.keyReleaser.forceRelease(keys);
  }

  async inspect(key: string): Promise<LockInfo | null> {
    const [stored] = await this.calls.run('inspect', [key], async () => this.provider.inspect([key]));
    return stored ? this.view(stored) : null;
  }

  /** What this process hears of the store. */
  get wakeUps(): Acquirer['wakeUps'] {
    return this.acquirer.wakeUps;
  }

  /** How many wait for locks in this process, and how many locks it holds, by what they are called. */
  census(): Map<string | undefined, LockCount> {
    const counts = new Map<string | undefined, LockCount>();
    const of = ({ keyTemplate }: CallOptions): LockCount => {
      let count = counts.get(keyTemplate);
      if (!count) counts.set(keyTemplate, (count = { waiting: 0, held: 0 }));
      return count;
    };
    for (const { options } of this.queues.waiters()) of(options).waiting += 1;
    const grants = new Set(this.leases.all().flatMap((lease) => lease.grants));
    for (const { options, isDelivered } of grants) if (isDelivered) of(options).held += 1;
    return counts;
  }

  list(match: string | undefined): AsyncIterable<LockInfo> {
    if (match !== undefined && typeof (match as unknown) !== 'string') throw new LockConfigurationError(noGlob(match));
    return this.listMatching(match);
  }

  private async *listMatching(match: string | undefined): AsyncGenerator<LockInfo> {
    for await (const stored of listLeases(this.provider, this.calls, match)) yield this.view(stored);
  }

  /**
   * Another server has taken over, which may lack the last writes of the former one. It may still hold the releases of the
   * last seconds, so these are repeated; waiters may have lost their queue entries, so they ask; and locks may be gone.
   */
  storeReplaced(): void {
    const { calls, retry, processId, settings } = this;
    const repeat = (request: EndRequest): EndRequest[] => {
      // Cancelled, the attempt leaves the queue as well, where it may have its place again. Of a named owner older attempts
      // may stand beside it, which a release takes along; and what is to be kept for a while is not to be freed now.
      const { keys, ownerId, attemptId } = request;
      if (isCancel(request) || attemptId === undefined || request.keepFor !== undefined) return [request];
      const cancel = { keys, ownerId, attemptId, processId, pending: false };
      return ownerId.startsWith(processId) ? [cancel] : [request, cancel];
    };
    for (const request of calls.recent.repetitions(repeat)) retry.add(request, settings.expire);
    this.renewer.checkAll();
    this.acquirer.askAll();
    for (const listener of this.onStoreReplaced) listener();
  }

  /**
   * Ends the engine: no new locks, no more waiting, running jobs waited for up to `drainTimeout`, everything that is
   * still held released. If the store stays silent, that takes {@link SETTLING} longer at most. Further calls
   * come to the same end.
   *
   * @param spent - milliseconds of `drainTimeout` that the shutdown has taken already
   */
  async close(spent = 0): Promise<ShutdownOutcome> {
    return (this.ending ??= this.end(spent));
  }

  private async end(spent: number): Promise<ShutdownOutcome> {
    const { calls, retry, clock, settings } = this;
    this.closing = true;
    this.dispatcher.endAll(closedFor);
    const drainEnd = clock.now() + Math.max(0, settings.drainTimeout - spent);
    await within(this.drained(), drainEnd - clock.now(), clock);
    const unfinished = this.running;
    const since = clock.now();
    const settled = this.settled();
    let open: number;
    do {
      open = retry.size;
      await within(settled, SETTLING, clock);
      // A store that answers, if slowly, is given the time that the jobs have left.
    } while (retry.size > 0 && retry.size < open && clock.now() < drainEnd);
    this.renewer.close();
    this.poller.close();
    const silence = new Error(noAnswer(Math.round(clock.now() - since)));
    const { keys, cause = silence } = retry.close();
    calls.expireAll(silence);
    if (keys.length === 0) return { unfinished };
    return { unfinished, failure: new LockBackendError(keys, callFailed('release', keys, cause), { cause }) };
  }

  /** Resolves when this process has nothing in the store any more, as far as the store has said. */
  private async settled(): Promise<void> {
    const { calls, retry } = this;
    do {
      this.releaser.releaseHeld(endedByShutdown);
      await Promise.all([calls.whenIdle(), retry.whenDone()]);
      // A request from before the shutdown may have been granted meanwhile.
    } while (!this.leases.isEmpty || !calls.isIdle);
  }

  private readonly onJobEnd = (): void => {
    this.running -= 1;
    if (this.running === 0) this.onDrained?.();
  };

  private take(
    keys: readonly string[],
    options: CallOptions,
    granted: (grant: Grant) => void,
    failed: (error: unknown) => void,
  ): void {
    if (this.closing) {
      failed(closedFor(keys));
      return;
    }
    if (options.warnAfter !== Infinity) {
      const watched = { granted, failed };
      const end = this.slow.begin(keys, options);
      granted = (grant) => {
        end(grant);
        watched.granted(grant);
      };
      failed = (error) => {
        end();
        watched.failed(error);
      };
    }
    if (isObserved()) this.reports.observe({ keys, options, granted, failed }, this.enqueue);
    else this.enqueue(keys, options, granted, failed);
  }

  private readonly enqueue: Enqueue = (keys, options, granted, failed) => {
    const around = grantsAround(this);
    this.dispatcher.join(
      isSolo(keys, options)
        ? new SoloWaiter(keys, options, around, granted, failed, this.solo)
        : new Waiter(keys, options, around, granted, failed),
    );
  };

  /** A caller has `grant` from now on, and may have lost it already. */
  private deliver(grant: Grant): void {
    grant.isDelivered = true;
    if (grant.lostBy !== undefined) this.reports.lost(grant, grant.lostBy);
  }

  /** Joins what jobs around this call hold already, and takes the rest. */
  private async join(
    keys: readonly string[],
    joined: ReadonlyMap<string, Grant>,
    options: CallOptions,
    dropped: DroppedLocks | undefined,
  ): Promise<HeldLock> {
    const missing = keys.filter((key) => !joined.has(key));
    const grants = new Set(joined.values());
    for (const grant of grants) grant.join();
    if (missing.length > 0) {
      try {
        grants.add(
          await new Promise<Grant>((resolve, reject) => {
            const granted = (grant: Grant): void => {
              this.deliver(grant);
              resolve(grant);
            };
            this.take(missing, options, granted, reject);
          }),
        );
      } catch (error) {
        // Each of them, whatever becomes of the others, and without waiting for the store.
        for (const grant of grants) this.releaser.leaveQuietly(grant);
        throw error;
      }
    }
    const all = [...grants] as [Grant, ...Grant[]];
    const lock = new HeldLock(keys, all[0].ownerId, all, options.minHold, this);
    if (dropped && all.some((grant) => grant.isRenewed())) lock.watchWith(dropped);
    return lock;
  }

  private view(stored: StoredLease): LockInfo {
    const { key } = stored;
    return toLockInfo(stored, this.processId, this.leases.get(key), this.queues.waiting(key));
  }

  private async drained(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => (this.onDrained = resolve));
  }
}

async function within(work: Promise<void>, milliseconds: number, clock: Clock): Promise<void> {
  let timer: ClockTimer | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = clock.setTimer(resolve, milliseconds, true);
  });
  await Promise.race([work, deadline]);
  timer?.cancel();
}

function closedFor(keys: readonly string[]): LockBackendError {
  return new LockBackendError(keys, closed(keys), { reason: 'shutdown' });
}
