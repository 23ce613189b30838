import { Logger } from '@nestjs/common';
import { lockingChannels } from '../../diagnostics/channels.js';
import type { TickOutcome } from '../../diagnostics/messages.interface.js';
import { systemClock } from '../../engine/runtime/system-clock.js';
import { LeaseClock } from '../../engine/runtime/lease-clock.js';
import { isLockBackendError } from '../../errors/index.js';
import { onOneLine } from '../../errors/quote.js';
import { LockingService } from '../../module/locking.service.js';
import { pause } from '../pause.js';
import type { TickSettings } from './read-tick-options.js';
import { DoneTicks } from './done-ticks.js';
import { freedEarly, overlaps, standByFailed, takingOver, tooLate } from './schedule.messages.js';
import { StandBys } from './stand-bys.js';
import { TickAttempt, type TickWork } from './tick-attempt.js';
import { keyOfRun, keyOfTick, retentionOf, type Tick } from './tick.js';

/**
 * How long a stand-by waits, if the store may have lost the mark of a tick, for the instance that ran the
 * tick to be connected again and to mark it once more.
 */
const MARK_PAUSE = 3000;

/** How much earlier than the store said a lease may end, in milliseconds, as clocks run at different speeds. */
const TOLERANCE = 200;

/** How long a stand-by waits before it asks again, where the store could not be asked. */
const STORE_PAUSE = 1000;

/** Counts the time for which the machine slept. */
const clock = new LeaseClock(systemClock);

const runners = new WeakMap<LockingService, TickRunner>();

/** The one runner of an application. */
export function tickRunnerOf(locking: LockingService): TickRunner {
  let runner = runners.get(locking);
  if (!runner) {
    runner = new TickRunner(LockingService.forOwnKeys(locking));
    runners.set(locking, runner);
  }
  return runner;
}

/**
 * Most runs are short: whether one is over is looked up after so many milliseconds, and then less and less often. Not at
 * whole seconds, where the next ticks are due, as the queue entry is lost for that moment.
 */
const FIRST_LOOK = 1300;

/** What the store has told of a tick: whether it is done, and until when its key is held unless that is released. */
interface Sight {
  readonly at: number;
  readonly done: boolean;
  readonly heldUntil: number;
}

/** How an attempt ended, as subscribers are told. */
const OUTCOMES = { ran: 'ran', busy: 'elsewhere', overlap: 'overlap', stale: 'late' } as const;

/** The task of a stand-by. */
interface Duty {
  readonly tick: Tick;
  readonly settings: TickSettings;
  readonly work: TickWork<unknown>;
  readonly isScheduled: () => boolean;
}

/** Runs each tick once over all instances of an application. */
class TickRunner {
  private readonly logger = new Logger('LockedSchedule');
  private readonly standBys = new StandBys();
  /** The keys of the ticks that this instance runs, or whose stand-by it is. */
  private readonly taken = new Set<string>();
  private readonly done: DoneTicks;

  constructor(private readonly locking: LockingService) {
    this.done = new DoneTicks(locking, clock);
  }

  /**
   * Runs `work` unless another instance runs this tick or has run it. Does not wait for it: standing by goes on in the
   * background, for as long as the job is scheduled.
   *
   * @returns what the work returned; `undefined` where it was not run
   * @throws whatever the work throws; LockLostError if the lock was lost meanwhile; LockBackendError if the store
   * cannot be asked: the work was not run then, as it is not in an application that is shutting down
   */
  async run<T>(
    tick: Tick,
    settings: TickSettings,
    work: TickWork<T>,
    isScheduled: () => boolean,
  ): Promise<T | undefined> {
    const key = keyOfTick(tick);
    if (this.taken.has(key)) return undefined;
    this.taken.add(key);
    let standsBy = false;
    let told = false as boolean;
    const attempt = new TickAttempt(this.locking, tick, settings, work);
    try {
      const isInTime = (): boolean => Date.now() - tick.at <= tick.mayBeLate;
      const outcome = isInTime() ? await attempt.make({ tick: 0, run: 0 }, isInTime) : ({ end: 'stale' } as const);
      told = true;
      this.publish(tick, settings, OUTCOMES[outcome.end]);
      if (outcome.end === 'ran') return outcome.value;
      if (outcome.end === 'stale') this.logger.warn(tooLate(key, Date.now() - tick.at));
      if (outcome.end === 'overlap') this.logger.debug(overlaps(key));
      if (outcome.end === 'busy' && settings.takeOver) {
        const seen = await this.look(tick, settings);
        standsBy = !seen.done;
        if (standsBy) void this.standBy({ tick, settings, work, isScheduled }, seen);
      }
      return undefined;
    } catch (error) {
      // The other instances have the tick as well.
      if (!attempt.begun && isLockBackendError(error) && error.reason === 'shutdown') return undefined;
      if (!told) this.publish(tick, settings, attempt.begun ? 'failed' : 'store', error);
      throw error;
    } finally {
      if (attempt.marked) this.done.note(tick, settings);
      if (!standsBy) this.taken.delete(key);
    }
  }

  /** Never rejects: what a run that was taken over comes to is logged, as the scheduler logs what a tick comes to. */
  private async standBy(duty: Duty, seen: Sight): Promise<void> {
    try {
      await this.standBys.during(keyOfRun(duty.tick), async (signal) => this.wait(duty, seen, signal));
    } catch (error) {
      this.logger.error(error);
    } finally {
      this.taken.delete(keyOfTick(duty.tick));
    }
  }

  /**
   * Queues for the tick's key, and looks up from time to time whether the tick is done. An instance that gets the key takes
   * over from one that died, as a mark would have kept the key. There are two exceptions: this instance may have slept
   * through the mark; and if the key is free before the lease can have expired, the store may have lost the mark.
   */
  private async wait({ tick, settings, work, isScheduled }: Duty, first: Sight, signal: AbortSignal): Promise<void> {
    const { expire } = settings;
    const key = keyOfTick(tick);
    let seen = first;
    let wasEarly = false;
    const isTrusted = (): boolean => clock.now() - seen.at < retentionOf(tick, settings) - expire;
    const isWanted = (): boolean => !signal.aborted && isScheduled();
    for (let look = FIRST_LOOK; isWanted() && isTrusted(); look *= 2) {
      const waits = { tick: Math.min(look, expire), run: expire + STORE_PAUSE, signal };
      let isEarly = false as boolean;
      const isFree = (): boolean => {
        isEarly = !wasEarly && clock.now() < seen.heldUntil - TOLERANCE;
        return isTrusted() && !isEarly;
      };
      const attempt = new TickAttempt(this.locking, tick, settings, work, () => {
        this.logger.log(wasEarly ? freedEarly(key) : takingOver(key));
      });
      try {
        const { end } = await attempt.make(waits, isFree);
        if (end === 'overlap') this.logger.debug(overlaps(key));
        if (end === 'ran' || end === 'overlap') this.publish(tick, settings, OUTCOMES[end], undefined, end === 'ran');
        if (isEarly) {
          wasEarly = true;
          await pause(MARK_PAUSE, signal);
        } else if (end !== 'busy') return;
        seen = await this.look(tick, settings);
        if (seen.done) return;
      } catch (error) {
        if (attempt.begun) {
          this.publish(tick, settings, 'failed', error, true);
          throw error;
        }
        if (!isWanted()) return;
        if (!isLockBackendError(error)) throw error;
        if (error.reason === 'shutdown') return;
        this.logger.debug(standByFailed(key, onOneLine(error.message)));
        await pause(STORE_PAUSE, signal);
      } finally {
        if (attempt.marked) this.done.note(tick, settings);
      }
    }
  }

  private publish(
    { kind, name, at }: Tick,
    { provider }: TickSettings,
    outcome: TickOutcome,
    error?: unknown,
    takenOver = false,
  ): void {
    const { tick } = lockingChannels;
    if (!tick.hasSubscribers) return;
    tick.publish({ ...this.locking.originOf({ provider }), kind, name, at: new Date(at), outcome, takenOver, error });
  }

  /** A lease never has longer to go than `expire`; a mark has, for as long as anybody may come. */
  private async look(tick: Tick, { expire, provider }: TickSettings): Promise<Sight> {
    const at = clock.now();
    const info = await this.locking.inspect(keyOfTick(tick), { provider });
    const ttl = info ? (info.ttl ?? Infinity) : 0;
    return { at, done: ttl > expire, heldUntil: at + ttl };
  }
}
