import { beforeEach, describe, expect, it } from '@jest/globals';
import { SchedulerRegistry } from '@nestjs/schedule';
import { eventually, rejectionOf } from '../../support/poll.js';
import { deferred } from '../../support/deferred.js';
import { onEveryStore } from './support/instances.js';
import { keyOf, reportDueAt, type Run } from './support/jobs.js';

describe('@LockedCron', () => {
  onEveryStore((start) => {
    let due = 0;
    let runs: Run[] = [];

    beforeEach(() => {
      due = Date.now();
      runs = [];
    });

    it('a tick runs in one of the instances that fire at once, with a lock of its own', async () => {
      const Report = reportDueAt(due, runs, (_run, ...args) => ['told', ...args]);
      const instances = await Promise.all([1, 2, 3].map(() => start([Report])));
      const results = await Promise.all(instances.map(({ app }) => app.get(Report).report('argument')));
      expect(runs).toHaveLength(1);
      expect(results.filter((result) => result !== undefined)).toEqual([['told', 'argument']]);
      expect(runs[0]).toMatchObject({ tick: due, lock: { keys: ['cron:report', keyOf(due)] } });
      expect(runs[0]!.lock!.fencingToken).toBeGreaterThan(0);
    });

    it('an instance that comes later skips a tick that has run, and runs the next', async () => {
      const Report = reportDueAt(due, runs);
      const Next = reportDueAt(due + 1, runs);
      const first = await start([Report]);
      const second = await start([Report]);
      const third = await start([Next]);
      await first.app.get(Report).report();
      await second.app.get(Report).report();
      await first.app.get(Report).report();
      expect(runs.map(({ tick }) => tick)).toEqual([due]);
      await third.app.get(Next).report();
      expect(runs.map(({ tick }) => tick)).toEqual([due, due + 1]);
      expect(runs[1]!.lock!.fencingToken).toBeGreaterThan(runs[0]!.lock!.fencingToken);
    });

    it('a tick that fires just before the scheduler registers its job runs', async () => {
      const Report = reportDueAt(due, runs);
      const { app } = await start([Report]);
      const registry = app.get(SchedulerRegistry);
      const job = registry.getCronJob('report');
      registry.deleteCronJob('report');
      const running = app.get(Report).report();
      registry.addCronJob('report', job);
      await running;
      expect(runs).toHaveLength(1);
    });

    it('a run leaves a mark for as long as other instances may come, and not its lock', async () => {
      const Report = reportDueAt(due, runs, undefined, { expire: '2s', clockSkew: '10s' });
      const { app, locking } = await start([Report]);
      await app.get(Report).report();
      const { ttl } = (await locking.inspect(keyOf(due)))!;
      expect(ttl).toBeGreaterThan(10_000 + 10_000 + 2000);
      expect(ttl).toBeLessThanOrEqual(10_000 + 10_000 + 2 * 2000 + 1000);
      expect(await locking.inspect('cron:report')).toBeNull();
    });

    it('a run that fails passes its error on, and its tick does not run again elsewhere', async () => {
      const failure = new Error('no paper');
      const Report = reportDueAt(due, runs, async () => Promise.reject(failure));
      const first = await start([Report]);
      const second = await start([Report]);
      expect(await rejectionOf(first.app.get(Report).report())).toBe(failure);
      await second.app.get(Report).report();
      expect(runs).toHaveLength(1);
    });

    it('a tick that is due while an earlier one runs elsewhere is skipped, also when that run has ended', async () => {
      const end = deferred();
      const Report = reportDueAt(due, runs, () => end.promise);
      const Next = reportDueAt(due + 1, runs);
      const first = await start([Report]);
      const second = await start([Next]);
      const third = await start([Next]);
      const running = first.app.get(Report).report();
      await eventually(() => runs.length === 1);
      await second.app.get(Next).report();
      end.resolve();
      await running;
      await third.app.get(Next).report();
      expect(runs.map(({ tick }) => tick)).toEqual([due]);
    });

    it('with allowOverlap, a tick runs beside an earlier one', async () => {
      const end = deferred();
      const options = { allowOverlap: true };
      const Report = reportDueAt(due, runs, () => end.promise, options);
      const Next = reportDueAt(due + 1, runs, undefined, options);
      const first = await start([Report]);
      const second = await start([Next]);
      const running = first.app.get(Report).report();
      await eventually(() => runs.length === 1);
      await second.app.get(Next).report();
      expect(runs.map(({ tick }) => tick)).toEqual([due, due + 1]);
      expect(runs[0]!.lock).toMatchObject({ keys: [keyOf(due)], held: true });
      end.resolve();
      await running;
    });

    it('a tick whose timer fires later than clockSkew does not run, and the log says so', async () => {
      const Report = reportDueAt(due - 400, runs, undefined, { clockSkew: '300ms' });
      const { app, log } = await start([Report]);
      await app.get(Report).report();
      expect(runs).toEqual([]);
      const warnings = log.lines.filter(({ level }) => level === 'warn').map(({ text }) => text);
      expect(warnings).toEqual([expect.stringMatching(/cron:report@.* was not run here: .* Raise clockSkew/)]);
    });

    it('a tick that is due while its instance shuts down is left to the others, without a message', async () => {
      const Report = reportDueAt(due, runs);
      const [first, second] = [await start([Report]), await start([Report])];
      const registry = first.app.get(SchedulerRegistry);
      const job = registry.getCronJob('report');
      await first.app.close();
      registry.addCronJob('report', job);
      expect(await first.app.get(Report).report()).toBeUndefined();
      await second.app.get(Report).report();
      expect(runs).toHaveLength(1);
    });

    it('a run that began before the application shuts down leaves its mark', async () => {
      const end = deferred();
      const Report = reportDueAt(due, runs, () => end.promise);
      const first = await start([Report]);
      const second = await start([Report]);
      const running = first.app.get(Report).report();
      await eventually(() => runs.length === 1);
      // this instance waits in case the first one dies
      await second.app.get(Report).report();
      const closing = first.app.close();
      const refused = async (): Promise<boolean> =>
        first.locking.tryAcquire('other').then(
          async (lock) => !(await lock?.release()),
          () => true,
        );
      await eventually(refused);
      end.resolve();
      await running;
      await closing;
      expect((await second.locking.inspect(keyOf(due)))?.ttl).toBeGreaterThan(30_000);
      await second.app.get(Report).report();
      expect(runs).toHaveLength(1);
    });

    it('a run that exceeds maxHold learns of it by its signal, and later ticks run', async () => {
      const end = deferred();
      const options = { expire: '1200ms', maxHold: '1500ms' } as const;
      const Report = reportDueAt(due, runs, () => end.promise, options);
      const { app, locking } = await start([Report]);
      const running = rejectionOf(app.get(Report).report());
      await eventually(() => runs.length === 1);
      const { lock } = runs[0]!;
      expect(lock!.signal.aborted).toBe(false);
      await eventually(() => lock!.signal.aborted);
      const next = Date.now();
      const Next = reportDueAt(next, runs, undefined, options);
      const second = await start([Next]);
      await eventually(async () => (await locking.inspect('cron:report')) === null);
      await second.app.get(Next).report();
      expect(runs.map(({ tick }) => tick)).toEqual([due, next]);
      end.resolve();
      expect(await running).toMatchObject({ code: 'LOCK_LOST' });
    });
  });
});
