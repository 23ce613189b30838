import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { OncePerTick } from '../../../lib/coordination/schedule/index.js';
import { readTickOptions } from '../../../lib/coordination/schedule/read-tick-options.js';
import { TickAttempt } from '../../../lib/coordination/schedule/tick-attempt.js';
import { LockingService, LockLostError } from '../../../lib/index.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { deferred } from '../../support/deferred.js';
import { onEveryStore, type Instance, type StartInstance } from './support/instances.js';
import { keyOf, reportDueAt, type Job, type Run } from './support/jobs.js';

/** Longer than a busy machine delays timers: an instance whose renewal is late loses the tick. */
const LEASE = 1500;
const EXPIRE = { expire: `${LEASE}ms` } as const;

/** Leaves the store as an instance that died in the middle of a tick would. */
async function dieIn(due: number, { locking }: Instance): Promise<number> {
  const own = LockingService.forOwnKeys(locking);
  await own.acquire(keyOf(due), { ...EXPIRE, renew: false });
  // its last renewal was later
  const { fencingToken } = await own.acquire('cron:report', { expire: '1700ms', renew: false });
  return fencingToken;
}

/** A run that goes on in one instance, and another one that waits in case its instance dies. */
async function runAndWait(start: StartInstance, Report: Type<Job>, due: number, runs: Run[]) {
  const first = await start([Report]);
  const second = await start([Report]);
  const running = first.app.get(Report).report();
  await eventually(() => runs.length === 1);
  await second.app.get(Report).report();
  const waiters = async () => (await first.locking.inspect(keyOf(due)))?.waiters;
  await eventually(async () => (await waiters()) === 1);
  return { running, waiters };
}

describe('an attempt at a tick whose lock is lost before the work begins', () => {
  const work = jest.fn(() => undefined);
  const lost = new LockLostError(['cron:report'], 'revoked', undefined, true);
  const locking = { execute: () => Promise.reject(lost) } as unknown as LockingService;
  const tick = { kind: 'cron', name: 'report', at: 0, mayBeLate: 1000 } as const;
  const attempt = (takeOver: boolean) =>
    new TickAttempt(locking, tick, readTickOptions('a test', { takeOver }), work).make({ tick: 0, run: 0 }, () => true);

  it('an attempt at a tick whose lock is lost leaves the tick to the instances that wait, its own included', async () => {
    expect(await attempt(true)).toEqual({ end: 'busy' });
    expect(work).not.toHaveBeenCalled();
  });

  it('with takeOver: false, an attempt at a tick whose lock is lost fails, as no other instance runs the tick', async () => {
    await expect(attempt(false)).rejects.toBe(lost);
  });
});

describe('taking over', () => {
  onEveryStore((start) => {
    let due = 0;
    let runs: Run[] = [];

    beforeEach(() => {
      due = Date.now();
      runs = [];
    });

    it('a tick whose instance has died runs again in one other instance, with a greater token', async () => {
      const Report = reportDueAt(due, runs, undefined, EXPIRE);
      const dead = await start([]);
      const others = [await start([Report]), await start([Report])];
      const token = await dieIn(due, dead);
      await Promise.all(others.map(({ app }) => app.get(Report).report()));
      // the instance waits in the background
      expect(runs).toEqual([]);
      await eventually(() => runs.length > 0);
      await eventually(async () => ((await others[0]!.locking.inspect(keyOf(due)))?.ttl ?? 0) > 30_000);
      await Promise.all(others.map(({ app }) => app.get(Report).report()));
      expect(runs).toHaveLength(1);
      expect(runs[0]!.lock!.fencingToken).toBeGreaterThan(token);
    });

    it('with takeOver: false, a tick whose instance has died does not run again', async () => {
      const Report = reportDueAt(due, runs, undefined, { ...EXPIRE, takeOver: false });
      const dead = await start([]);
      const other = await start([Report]);
      await dieIn(due, dead);
      await other.app.get(Report).report();
      expect((await other.locking.inspect(keyOf(due)))?.waiters).toBe(0);
      await eventually(async () => (await other.locking.inspect(keyOf(due))) === null);
      expect(runs).toEqual([]);
    });

    it('an instance waits for as long as a run takes, and then leaves the tick alone', async () => {
      const end = deferred();
      const Report = reportDueAt(due, runs, () => end.promise, EXPIRE);
      const { running, waiters } = await runAndWait(start, Report, due, runs);
      // longer than any wait in the queue
      await eventually(() => Date.now() - due > 4 * LEASE);
      await eventually(async () => (await waiters()) === 1);
      end.resolve();
      await running;
      await eventually(async () => (await waiters()) === 0);
      expect(runs).toHaveLength(1);
    });

    it('an instance waits no longer than a short run needs, however long the lease', async () => {
      const end = deferred();
      const Report = reportDueAt(due, runs, () => end.promise, { expire: '1m' });
      const { running, waiters } = await runAndWait(start, Report, due, runs);
      end.resolve();
      await running;
      await eventually(async () => (await waiters()) === 0, 5000);
      expect(runs).toHaveLength(1);
    });

    it('a tick whose lock was lost runs again, and its first run is aborted and does not count as done', async () => {
      const ends = [deferred<string>(), deferred<string>()];
      const Report = reportDueAt(due, runs, () => ends[runs.length - 1]!.promise, EXPIRE);
      const first = await start([Report]);
      const second = await start([Report]);
      const running = first.app.get(Report).report();
      await eventually(() => runs.length === 1);
      await second.app.get(Report).report();
      await second.locking.forceRelease([keyOf(due), 'cron:report']);
      await eventually(() => runs.length === 2);
      await eventually(() => runs[0]!.lock!.signal.aborted);
      expect(runs[1]!.lock!.fencingToken).toBeGreaterThan(runs[0]!.lock!.fencingToken);
      ends[0]!.resolve('too late');
      expect(await rejectionOf(running)).toMatchObject({
        code: 'LOCK_LOST',
        outcome: { status: 'fulfilled' },
      });
      expect((await first.locking.inspect(keyOf(due)))?.ttl).toBeLessThanOrEqual(LEASE);
      ends[1]!.resolve('in time');
      await eventually(async () => ((await first.locking.inspect(keyOf(due)))?.ttl ?? 0) > 30_000);
    });

    it('a tick whose former run still holds the key of the job is no overlap: it runs once that run has ended', async () => {
      const ends = [deferred(), deferred()];
      const Report = reportDueAt(due, runs, () => ends[runs.length - 1]!.promise, EXPIRE);
      const first = await start([Report]);
      const second = await start([Report]);
      const running = rejectionOf(first.app.get(Report).report());
      await eventually(() => runs.length === 1);
      // the two leases of a process that died or is frozen end a little after each other
      await second.locking.forceRelease(keyOf(due));
      await second.app.get(Report).report();
      expect((await second.locking.inspect(keyOf(due)))?.ttl ?? 0).toBeLessThanOrEqual(LEASE);
      ends[0]!.resolve();
      expect(await running).toMatchObject({ code: 'LOCK_LOST' });
      await eventually(() => runs.length === 2);
      expect(runs[1]!.lock!.fencingToken).toBeGreaterThan(runs[0]!.lock!.fencingToken);
      ends[1]!.resolve();
      await eventually(async () => ((await second.locking.inspect(keyOf(due)))?.ttl ?? 0) > 30_000);
    });

    it('a run goes on elsewhere when its instance shuts down without waiting for it', async () => {
      const end = deferred();
      const Report = reportDueAt(due, runs, () => (runs.length === 1 ? end.promise : undefined), EXPIRE);
      const first = await start([Report], { drainTimeout: '100ms' });
      const second = await start([Report]);
      const running = rejectionOf(first.app.get(Report).report());
      await eventually(() => runs.length === 1);
      await second.app.get(Report).report();
      await first.app.close();
      await eventually(() => runs.length === 2);
      end.resolve();
      expect(await running).toMatchObject({ code: 'LOCK_LOST' });
    });

    it('the error of a run that was taken over is logged', async () => {
      const Report = reportDueAt(due, runs, async () => Promise.reject(new Error('no paper')), EXPIRE);
      const dead = await start([]);
      const other = await start([Report]);
      await dieIn(due, dead);
      await other.app.get(Report).report();
      await eventually(() => runs.length === 1);
      await eventually(() => other.log.lines.some(({ level, text }) => level === 'error' && text.includes('no paper')));
    });

    it('an instance that was suspended for so long that it may have missed the mark runs nothing', async () => {
      const Report = reportDueAt(due, runs, undefined, { expire: '2s' });
      const dead = await start([]);
      const { app, locking } = await start([Report]);
      const lock = await LockingService.forOwnKeys(dead.locking).acquire(keyOf(due), { expire: '2s' });
      await app.get(Report).report();
      await eventually(async () => (await locking.inspect(keyOf(due)))?.waiters === 1);
      // only the wall clock goes on, as in a suspended machine
      const clock = jest.spyOn(Date, 'now').mockReturnValue(due + 600_000);
      try {
        await lock.release();
        // queued behind the instance that waits
        await (await LockingService.forOwnKeys(dead.locking).acquire(keyOf(due), { timeout: '5s' })).release();
      } finally {
        clock.mockRestore();
      }
      expect(runs).toEqual([]);
    });

    it('an instance waits once per tick, and for sixteen ticks of a job at most', async () => {
      const dead = await start([]);
      const ticks = Array.from({ length: 20 }, (_, index) => due - index);
      const other = await start([OncePerTick]);
      for (const tick of ticks)
        await LockingService.forOwnKeys(dead.locking).acquire(keyOf(tick), { expire: '20s', renew: false });
      const service = other.app.get(OncePerTick);
      const fire = (tick: number) =>
        service.run('report', () => runs.push({ instance: service, lock: undefined, tick }), {
          job: { cronTime: { realDate: true, source: { toMillis: () => tick }, getNextDateFrom: () => never() } },
          expire: '20s',
          allowOverlap: true,
        });
      for (const tick of ticks) await Promise.all([fire(tick), fire(tick)]);
      const waiters = async (): Promise<number[]> =>
        Promise.all(ticks.map(async (tick) => (await dead.locking.inspect(keyOf(tick)))!.waiters));
      // The oldest four have made room. An instance that checks whether a run is over leaves the queue for a moment.
      await eventually(async () => (await waiters()).join('') === '0'.repeat(4) + '1'.repeat(16));
    });

    it('an instance no longer waits for ticks when its application shuts down', async () => {
      const dead = await start([]);
      const other = await start([OncePerTick]);
      const options = {
        job: { cronTime: { realDate: true, source: { toMillis: () => due }, getNextDateFrom: never } },
      };
      await LockingService.forOwnKeys(dead.locking).acquire(keyOf(due), { expire: '20s', renew: false });
      await other.app.get(OncePerTick).run('report', () => undefined, options);
      await eventually(async () => (await dead.locking.inspect(keyOf(due)))?.waiters === 1);
      const attempts = jest.spyOn(other.locking, 'execute');
      await other.app.close();
      const closed = performance.now();
      await eventually(() => performance.now() - closed > 1500);
      expect(attempts).not.toHaveBeenCalled();
    });
  });
});

function never(): never {
  throw new Error('not to be asked');
}
