import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { LockedCron, OncePerTick } from '../../../lib/coordination/schedule/index.js';
import { eventually } from '../../support/poll.js';
import { deferred } from '../../support/deferred.js';
import { CronJob, CronTime } from './support/cron.js';
import { onEveryStore } from './support/instances.js';

/** A job that sets its next time while it runs, so that its next timer is made in the async context of the run. */
class Rescheduling {
  readonly end = deferred();
  /** Ticks that the scheduler has fired, and those that this process has settled. */
  fired = 0;
  settled = 0;
  running = 0;
  mostRunning = 0;

  constructor(
    private readonly registry: SchedulerRegistry,
    private readonly name: string,
  ) {}

  async work(): Promise<void> {
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    this.registry.getCronJob(this.name).setTime(new CronTime('* * * * * *'));
    await this.end.promise;
    this.running -= 1;
  }

  async fire(tick: () => Promise<unknown>): Promise<void> {
    this.fired += 1;
    await tick();
    this.settled += 1;
  }
}

@Injectable()
class ByService {
  readonly job: Rescheduling;

  constructor(
    private readonly ticks: OncePerTick,
    private readonly registry: SchedulerRegistry,
  ) {
    this.job = new Rescheduling(registry, 'service');
  }

  schedule(): void {
    const tick = async () => this.ticks.run('service', async () => this.job.work());
    this.registry.addCronJob('service', new CronJob('* * * * * *', async () => this.job.fire(tick)));
    this.registry.getCronJob('service').start();
  }
}

@Injectable()
class ByDecorator {
  readonly job: Rescheduling;

  constructor(private readonly registry: SchedulerRegistry) {
    this.job = new Rescheduling(registry, 'decorator');
  }

  @LockedCron('* * * * * *', { name: 'decorator', disabled: true })
  async report(): Promise<void> {
    await this.job.work();
  }

  schedule(): void {
    const job = this.registry.getCronJob('decorator');
    // The scheduler calls this at each tick.
    const fireOnTick = job.fireOnTick.bind(job);
    job.fireOnTick = async () => this.job.fire(async () => fireOnTick());
    job.start();
  }
}

describe('a job that reschedules itself while it runs', () => {
  onEveryStore((start) => {
    it.each([ByService, ByDecorator])(
      'a job that reschedules itself while it runs does not overlap itself: $name',
      async (Job) => {
        const { app } = await start([OncePerTick, Job]);
        const own = app.get<ByService | ByDecorator>(Job);
        own.schedule();
        // The first tick runs until the test ends it; the later ticks have been skipped.
        await eventually(() => own.job.settled >= 2 || own.job.mostRunning > 1);
        expect(own.job.mostRunning).toBe(1);
        app.get(SchedulerRegistry).deleteCronJob(Job === ByService ? 'service' : 'decorator');
        own.job.end.resolve();
        await eventually(() => own.job.settled === own.job.fired);
      },
    );
  });
});
