import { Inject, Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError } from '../../errors/index.js';
import type { Duration } from '../../interfaces/index.js';
import { LockingService } from '../../module/locking.service.js';
import { nominalTick, windowStart, type CronTimeLike } from './nominal-tick.js';
import { assertName, readTickOptions, type TickSettings } from './read-tick-options.js';
import { bothKinds, notScheduled, workNotFunction } from './schedule.messages.js';
import type { TickWork } from './tick-attempt.js';
import type { TickOptions } from './tick-options.interface.js';
import { tickRunnerOf } from './tick-runner.js';
import type { Tick } from './tick.js';

/** Options of `OncePerTick.run`. */
export interface OncePerTickOptions extends TickOptions {
  /** The cron job that fired, where it does not stand in the `SchedulerRegistry` under the name. */
  job?: { readonly cronTime: CronTimeLike } | undefined;

  /** For a timer that fires again and again: once per window of this length, counted from the epoch. */
  every?: Duration | undefined;
}

const WHAT = 'OncePerTick';

/**
 * What `@LockedCron` does, for jobs that are made while the application runs. Name it among the `providers` of the
 * module that uses it; it needs `LockingModule` and `ScheduleModule.forRoot()`, and nothing else.
 *
 * @example
 * constructor(private readonly ticks: OncePerTick, private readonly registry: SchedulerRegistry) {}
 *
 * schedule(expression: string): void {
 *   const job = new CronJob(expression, () => this.ticks.run('report', () => this.report()));
 *   this.registry.addCronJob('report', job);
 *   job.start();
 * }
 */
@Injectable()
export class OncePerTick {
  constructor(
    @Inject(LockingService) private readonly locking: LockingService,
    @Inject(SchedulerRegistry) private readonly registry: SchedulerRegistry,
  ) {}

  /**
   * Runs `work` if no other instance runs this tick or has run it. To be called by the job itself, when it fires: the
   * tick is that which is due now, of the cron job `name` in the `SchedulerRegistry`, of `options.job`, or of the window
   * of `options.every`. Does not wait for other instances; standing by goes on in the background.
   *
   * @param work - is given the lock of the run
   * @param options - `every`, `job`; `provider`, `expire`, `clockSkew`, `takeOver`, `allowOverlap`, `maxHold`
   * @returns what `work` returned; `undefined` where it was not run, or not by this call
   * @throws whatever `work` throws
   * @throws LockConfigurationError if there is no such job, or for options that cannot work
   * @throws LockBackendError if the store cannot be asked; `work` was not run
   * @throws LockLostError if the lock was lost while `work` ran
   *
   * @example
   * setInterval(() => void ticks.run('sweep', () => sweep(), { every: '10s' }), 10_000);
   */
  async run<T>(name: string, work: TickWork<T>, options: OncePerTickOptions = {}): Promise<T | undefined> {
    assertName(WHAT, name);
    if (typeof (work as unknown) !== 'function') throw new LockConfigurationError(workNotFunction());
    const { every, job, ...rest } = options;
    if (every !== undefined && job !== undefined) throw new LockConfigurationError(bothKinds());
    const settings = readTickOptions(WHAT, rest);
    const tick = every === undefined ? this.tickOfJob(name, job, settings) : tickOfWindow(name, every);
    const isScheduled = (): boolean => job !== undefined || every !== undefined || this.hasJob(name);
    return tickRunnerOf(this.locking).run(tick, settings, work, isScheduled);
  }

  private tickOfJob(name: string, job: OncePerTickOptions['job'], { clockSkew }: TickSettings): Tick {
    if (!job && !this.hasJob(name)) throw new LockConfigurationError(notScheduled(name));
    const { cronTime } = job ?? this.registry.getCronJob(name);
    return { kind: 'cron', name, at: nominalTick(cronTime, Date.now()), mayBeLate: clockSkew };
  }

  private hasJob(name: string): boolean {
    return this.registry.doesExist('cron', name);
  }
}

function tickOfWindow(name: string, every: Duration): Tick {
  const length = parseDuration(every, `${WHAT}: every`, { bareUnit: 's', minimum: 1 });
  return { kind: 'interval', name, at: windowStart(length, Date.now()), mayBeLate: length };
}
