import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cron, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { InMemoryLockingProvider, LockingModule, LockingService, MemoryLockStore, WithLock } from '../../lib/index.js';
import { eventually } from '../support/poll.js';
import { useApps } from '../support/nest-apps.js';

/** Ticks every few milliseconds and runs for longer, so that its runs overlap without a lock. */
class Overlap {
  runs = 0;
  most = 0;
  keys: readonly string[] = [];
  private inside = 0;

  get idle(): boolean {
    return this.inside === 0;
  }

  async run(locking: LockingService): Promise<void> {
    this.inside += 1;
    this.most = Math.max(this.most, this.inside);
    this.keys = locking.current()?.keys ?? [];
    await new Promise((resolve) => setTimeout(resolve, 15));
    this.inside -= 1;
    this.runs += 1;
  }
}

const whenBusy = { timeout: 0, onUnavailable: 'skip' } as const;

@Injectable()
class Jobs {
  readonly above = new Overlap();
  readonly below = new Overlap();
  readonly unlocked = new Overlap();
  readonly cron = new Overlap();
  readonly once = new Overlap();

  constructor(readonly locking: LockingService) {}

  @WithLock('above', whenBusy)
  @Interval('above', 5)
  async lockAbove(): Promise<void> {
    await this.above.run(this.locking);
  }

  @Interval('below', 5)
  @WithLock('below', whenBusy)
  async lockBelow(): Promise<void> {
    await this.below.run(this.locking);
  }

  @Interval('unlocked', 5)
  async noLock(): Promise<void> {
    await this.unlocked.run(this.locking);
  }

  @WithLock('cron-above', whenBusy)
  @Cron('* * * * * *', { name: 'cron-above' })
  async cronBelow(): Promise<void> {
    await this.cron.run(this.locking);
  }

  @Cron('* * * * * *', { name: 'cron-below' })
  @WithLock('cron-below', whenBusy)
  async cronAbove(): Promise<void> {
    await this.cron.run(this.locking);
  }

  @WithLock('once')
  @Timeout('once', 1)
  async timeout(): Promise<void> {
    await this.once.run(this.locking);
  }
}

describe('@WithLock with @nestjs/schedule', () => {
  const startApp = useApps();
  const parts = { imports: [ScheduleModule.forRoot(), LockingModule.forRoot()], providers: [Jobs] };

  it.each(['above', 'below'] as const)('keeps the runs of an @Interval apart; the lock %s', async (name) => {
    const jobs = (await startApp(parts)).get(Jobs);
    await eventually(() => jobs[name].runs >= 5 && jobs.unlocked.runs >= 5);
    expect(jobs[name].most).toBe(1);
    expect(jobs[name].keys).toEqual([name]);
    // the proof that runs would overlap
    expect(jobs.unlocked.most).toBeGreaterThan(1);
  });

  it('@WithLock works on a @Timeout', async () => {
    const jobs = (await startApp(parts)).get(Jobs);
    await eventually(() => jobs.once.runs === 1);
    expect(jobs.once.keys).toEqual(['once']);
  });

  it.each(['cron-above', 'cron-below'])('registers a @Cron, whose ticks run under the lock: %s', async (name) => {
    const app = await startApp(parts);
    const jobs = app.get(Jobs);
    // all @Cron jobs are stopped and have ended their runs, so that only the tick below can be seen
    const registry = app.get(SchedulerRegistry);
    for (const each of registry.getCronJobs().values()) await each.stop();
    await eventually(() => jobs.cron.idle);
    jobs.cron.keys = [];
    void registry.getCronJob(name).fireOnTick();
    await eventually(() => jobs.cron.keys.includes(name));
  });

  it('ticks of two instances of an application exclude each other through their common store', async () => {
    const store = new MemoryLockStore();
    let inside = 0;
    let most = 0;
    let runs = 0;

    @Injectable()
    class Nightly {
      @Interval(3)
      @WithLock('nightly', whenBusy)
      async run(): Promise<void> {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside -= 1;
        runs += 1;
      }
    }
    const instance = {
      imports: [
        ScheduleModule.forRoot(),
        LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider, options: { store } }] }),
      ],
      providers: [Nightly],
    };
    await startApp(instance);
    await startApp(instance);
    await eventually(() => runs >= 20);
    expect(most).toBe(1);
  });
});
