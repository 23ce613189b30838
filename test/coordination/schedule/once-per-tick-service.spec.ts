import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob, CronTime } from './support/cron.js';
import { currentTick, OncePerTick, type OncePerTickOptions } from '../../../lib/coordination/schedule/index.js';
import type { Lock } from '../../../lib/index.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { onEveryStore } from './support/instances.js';

@Injectable()
class Reports {
  readonly runs: { tick: number; keys: readonly string[] }[] = [];

  constructor(
    readonly ticks: OncePerTick,
    private readonly registry: SchedulerRegistry,
  ) {}

  schedule(): void {
    const job = new CronJob('* * * * * *', () => this.ticks.run('report', (lock) => this.report(lock)));
    this.registry.addCronJob('report', job);
    job.start();
  }

  stop(): void {
    this.registry.deleteCronJob('report');
  }

  private report({ keys }: Lock): void {
    this.runs.push({ tick: currentTick()!.getTime(), keys });
  }
}

describe('OncePerTick', () => {
  onEveryStore((start) => {
    it('OncePerTick runs each tick of a job from the registry in one of the instances', async () => {
      const all = await Promise.all([1, 2].map(() => start([Reports, OncePerTick])));
      const reports = all.map(({ app }) => app.get(Reports));
      for (const each of reports) each.schedule();
      const runs = () => reports.flatMap((each) => each.runs);
      await eventually(() => runs().length >= 3);
      for (const each of reports) each.stop();
      const ticks = runs()
        .map(({ tick }) => tick)
        .sort((a, b) => a - b);
      expect(ticks.slice(0, 3)).toEqual([ticks[0], ticks[0]! + 1000, ticks[0]! + 2000]);
      expect(new Set(ticks).size).toBe(ticks.length);
      expect(runs()[0]!.keys[0]).toBe('cron:report');
    });

    it('OncePerTick returns the result of the work, in one instance', async () => {
      const all = await Promise.all([1, 2].map(() => start([OncePerTick])));
      const options = { every: '1h', expire: '2s' } as const;
      const results = await Promise.all(all.map(({ app }) => app.get(OncePerTick).run('sum', () => 42, options)));
      expect(results.sort()).toEqual([42, undefined]);
    });

    it('OncePerTick finds the tick of a job that is not in the registry', async () => {
      const { app } = await start([OncePerTick]);
      const date = Date.now() - 5;
      const job = { cronTime: new CronTime(new Date(date)) };
      expect(await app.get(OncePerTick).run('once', () => currentTick()?.getTime(), { job })).toBe(date);
      expect(currentTick()).toBeUndefined();
    });

    it('OncePerTick escapes names, so that no two jobs share a key', async () => {
      const { app, locking } = await start([OncePerTick]);
      const due = new Date(Date.now() - 5);
      const job = { cronTime: new CronTime(due) };
      const names = ['a b', 'a%20b', 'a', `a@${due.toISOString()}`, 'ä:*'];
      for (const name of names) expect(await app.get(OncePerTick).run(name, () => 'ran', { job })).toBe('ran');
      const keys: string[] = [];
      for await (const { key } of locking.list()) keys.push(key);
      expect(new Set(keys).size).toBe(names.length);
    });

    it.each<[string, string, unknown, OncePerTickOptions, RegExp]>([
      ['an unknown job', 'nobody', () => 1, {}, /no cron job "nobody" in the SchedulerRegistry/],
      ['no name', '', () => 1, {}, /name is required/],
      ['no work', 'a', undefined, { every: 1 }, /must be a function/],
      ['both kinds', 'a', () => 1, { every: 1, job: { cronTime: new CronTime(new Date()) } }, /not both/],
      ['milliseconds for seconds', 'a', () => 1, { every: 10_000 }, /OncePerTick: every: .*'10000ms'/],
      ['an unknown provider', 'a', () => 1, { every: 1, provider: 'elsewhere' }, /no lock provider "elsewhere"/],
    ])('OncePerTick refuses %s', async (_what, name, work, options, message) => {
      const { app } = await start([OncePerTick]);
      const error = await rejectionOf(app.get(OncePerTick).run(name, work as () => unknown, options));
      expect(error).toMatchObject({ code: 'LOCK_CONFIGURATION', message: expect.stringMatching(message) });
    });
  });
});
