import { assertDone } from '../../engine/lock/unstarted-work.js';
import { isLockLostError, isLockTimeoutError } from '../../errors/index.js';
import type { Lock } from '../../interfaces/index.js';
import type { LockingService } from '../../module/locking.service.js';
import type { TickSettings } from './read-tick-options.js';
import {
  isRunOf,
  keyOfRun,
  keyOfTick,
  ownerOfRun,
  retentionOf,
  runInTick,
  templateOfRun,
  templateOfTick,
  type Tick,
} from './tick.js';

/** What a tick does. */
export type TickWork<T> = (lock: Lock) => T | PromiseLike<T>;

/** How an attempt to run a tick ended, if not with an error. */
export type AttemptOutcome<T> =
  | { readonly end: 'ran'; readonly value: T }
  /** The tick is run by another instance, was run, or was run by one that has died. */
  | { readonly end: 'busy' }
  /** An earlier tick is still running: this one counts as done. */
  | { readonly end: 'overlap' }
  /** The key was granted, but too late to trust that no other instance had it before. */
  | { readonly end: 'stale' };

/** One attempt to get hold of a tick and run it, and to leave a mark that it was run. */
export class TickAttempt<T> {
  /** Whether the work was begun: an error then is its own, or says that its lock was lost. */
  begun = false;

  /** Whether it has left a mark in the store: not if its lock was lost after all. */
  marked = false;

  constructor(
    private readonly locking: LockingService,
    private readonly tick: Tick,
    private readonly settings: TickSettings,
    private readonly work: TickWork<T>,
    private readonly onBegin: () => void = () => undefined,
  ) {}

  /**
   * @param waits - how long to wait for the tick's key, and for the end of an earlier tick, in milliseconds
   * @param isTrusted - asked once the tick's key is had
   */
  async make(
    waits: { readonly tick: number; readonly run: number; readonly signal?: AbortSignal },
    isTrusted: () => boolean,
  ): Promise<AttemptOutcome<T>> {
    const { expire, provider } = this.settings;
    let entered = false as boolean;
    try {
      return await this.locking.execute(
        keyOfTick(this.tick),
        async (lock) => {
          entered = true;
          if (!isTrusted()) return { end: 'stale' };
          return this.settings.allowOverlap ? this.runUnder(lock, lock) : this.runAlone(lock, `${waits.run}ms`);
        },
        {
          timeout: `${waits.tick}ms`,
          expire: `${expire}ms`,
          provider,
          keyTemplate: templateOfTick(this.tick),
          // A tick of this job that is fired from inside another job is a tick of its own.
          reentrant: false,
          // A stand-by waits for long, and the key of the job is held for as long as this one.
          ...((waits.tick > 0 || !this.settings.allowOverlap) && { warnAfter: false }),
          ...(waits.signal && { signal: waits.signal }),
        },
      );
    } catch (error) {
      if (isLockLostError(error)) this.marked = false;
      // The holder of the tick's key now has the tick; if there is none, standing by finds out.
      const isLostBefore = isLockLostError(error) && !this.begun && this.settings.takeOver;
      if (!isLostBefore && (entered || !isLockTimeoutError(error))) throw innermost(error);
      return { end: 'busy' };
    }
  }

  /**
   * With the tick's key held, acquires the run key: not by joining, as the timer of a job that reschedules itself is
   * made inside a run. The work's lock is both keys, joined: its signal aborts if either is lost.
   */
  private async runAlone(own: Lock, timeout: `${number}ms`): Promise<AttemptOutcome<T>> {
    const { expire, provider, maxHold } = this.settings;
    try {
      return await this.locking.execute(
        keyOfRun(this.tick),
        async () =>
          this.locking.execute([keyOfTick(this.tick), keyOfRun(this.tick)], async (lock) => this.runUnder(lock, own), {
            timeout: 0,
            provider,
          }),
        {
          timeout,
          expire: `${expire}ms`,
          provider,
          ownerId: ownerOfRun(this.tick),
          keyTemplate: templateOfRun(this.tick),
          reentrant: false,
          ...(maxHold !== undefined && { maxHold: `${maxHold}ms` }),
        },
      );
    } catch (error) {
      if (this.begun || !isLockTimeoutError(error)) throw error;
      if (this.settings.takeOver && (await this.isStillRun())) return { end: 'busy' };
      await this.mark(own);
      return { end: 'overlap' };
    }
  }

  /**
   * Whether the key of the job is held by another run of this very tick, which has lost the tick's key: it has died, or is
   * about to fail. The two leases do not end at the same moment.
   */
  private async isStillRun(): Promise<boolean> {
    const { provider } = this.settings;
    const info = await this.locking.inspect(keyOfRun(this.tick), { provider });
    return info !== null && isRunOf(this.tick, info.ownerId);
  }

  private async runUnder(lock: Lock, own: Lock): Promise<AttemptOutcome<T>> {
    this.begun = true;
    this.onBegin();
    try {
      return { end: 'ran', value: await runInTick(this.tick, async () => this.workUnder(lock)) };
    } finally {
      // Also if it failed: that is an outcome, and running it again is no business of the other instances.
      await this.mark(own);
    }
  }

  private async workUnder(lock: Lock): Promise<T> {
    const result = await this.work(lock);
    assertDone(result, lock.keys);
    return result;
  }

  /**
   * Keeps the tick's key for a while. Joining the lock that is held already, this asks no store and works in the middle
   * of a shutdown. An attempt that has lost the tick leaves it unmarked.
   */
  private async mark(own: Lock): Promise<void> {
    if (!own.held) return;
    const minHold = `${retentionOf(this.tick, this.settings)}ms` as const;
    const { provider } = this.settings;
    try {
      await this.locking.execute(keyOfTick(this.tick), () => undefined, {
        provider,
        timeout: 0,
        minHold,
        keyTemplate: templateOfTick(this.tick),
      });
      this.marked = true;
    } catch {
      // The key was lost at this very moment. The call around this one tells, with what the work came to.
    }
  }
}

/** The locks of a run are mostly lost together: what the work came to stands in the error about the innermost one. */
function innermost(error: unknown): unknown {
  const reason: unknown = isLockLostError(error) && error.outcome?.status === 'rejected' && error.outcome.reason;
  return isLockLostError(reason) ? innermost(reason) : error;
}
