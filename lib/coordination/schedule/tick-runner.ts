import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../engine/runtime/clock.js';
import { LeaseClock } from '../../engine/runtime/lease-clock.js';
import { isLockBackendError } from '../../errors/index.js';
import { onOneLine } from '../../errors/quote.js';
import { LockingService } from '../../module/locking.service.js';
import type { TickSettings } from './read-tick-options.js';
import { overlaps, standByFailed, takingOver, tooLate } from './schedule.messages.js';
import { StandBys } from './stand-bys.js';
import { TickAttempt, type TickWork } from './tick-attempt.js';
import { keyOfRun, keyOfTick, retentionOf, type Tick } from './tick.js';

/** How long an instance that stands by waits before it asks again, where the store could not be asked. */
const STORE_PAUSE = 1000;

/** Counts the time for which the machine slept. */
const clock = new LeaseClock(systemClock);

const runners = new WeakMap<LockingService, TickRunner>();

/** The one runner of an application, whoever asks for it. */
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
 * whole seconds, where the next ticks are due, as the place in line is lost for that moment.
 */
const FIRST_LOOK = 1300;

/** What an instance that stands by does if it has to. */
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
  /** The keys of the ticks that this instance runs or stands by for. */
  private readonly taken = new Set<string>();

  constructor(private readonly locking: LockingService) {}

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
    const attempt = new TickAttempt(this.locking, tick, settings, work);
    try {
      const isInTime = (): boolean => Date.now() - tick.at <= tick.mayBeLate;
      const outcome = isInTime() ? await attempt.make({ tick: 0, run: 0 }, isInTime) : ({ end: 'stale' } as const);
      if (outcome.end === 'ran') return outcome.value;
      if (outcome.end === 'stale') this.logger.warn(tooLate(key, Date.now() - tick.at));
      if (outcome.end === 'overlap') this.logger.debug(overlaps(key));
      if (outcome.end === 'busy' && settings.takeOver) {
        const asked = clock.now();
        standsBy = !(await this.isDone(tick, settings));
        if (standsBy) void this.standBy({ tick, settings, work, isScheduled }, asked);
      }
      return undefined;
    } catch (error) {
      // The other instances have the tick as well.
      if (!attempt.begun && isLockBackendError(error) && error.reason === 'shutdown') return undefined;
      throw error;
    } finally {
      if (!standsBy) this.taken.delete(key);
    }
  }

  /** Never rejects: what a run that was taken over comes to is logged, as the scheduler logs what a tick comes to. */
  private async standBy(duty: Duty, asked: number): Promise<void> {
    try {
      await this.standBys.during(keyOfRun(duty.tick), async (signal) => this.wait(duty, asked, signal));
    } catch (error) {
      this.logger.error(error);
    } finally {
      this.taken.delete(keyOfTick(duty.tick));
    }
  }

  /**
   * Waits in line for the tick's key, and looks up from time to time whether the tick is done. Who gets the key was left
   * it by an instance that died, as a mark would have kept it, unless this instance itself slept through the mark.
   */
  private async wait({ tick, settings, work, isScheduled }: Duty, asked: number, signal: AbortSignal): Promise<void> {
    const { expire } = settings;
    const key = keyOfTick(tick);
    let notDoneAt = asked;
    const isTrusted = (): boolean => clock.now() - notDoneAt < retentionOf(tick, settings) - expire;
    const isWanted = (): boolean => !signal.aborted && isScheduled();
    for (let look = FIRST_LOOK; isWanted() && isTrusted(); look *= 2) {
      const waits = { tick: Math.min(look, expire), run: expire + STORE_PAUSE, signal };
      const attempt = new TickAttempt(this.locking, tick, settings, work, () => {
        this.logger.log(takingOver(key));
      });
      try {
        const { end } = await attempt.make(waits, isTrusted);
        if (end === 'overlap') this.logger.debug(overlaps(key));
        if (end !== 'busy') return;
        const at = clock.now();
        if (await this.isDone(tick, settings)) return;
        notDoneAt = at;
      } catch (error) {
        if (attempt.begun) throw error;
        if (!isWanted()) return;
        if (!isLockBackendError(error)) throw error;
        if (error.reason === 'shutdown') return;
        this.logger.debug(standByFailed(key, onOneLine(error.message)));
        await delay(STORE_PAUSE, undefined, { ref: false });
      }
    }
  }

  /** A lease never has longer to go than `expire`; a mark has, for as long as anybody may come. */
  private async isDone(tick: Tick, { expire, provider }: TickSettings): Promise<boolean> {
    const info = await this.locking.inspect(keyOfTick(tick), { provider });
    return info !== null && (info.ttl === null || info.ttl > expire);
  }
}
