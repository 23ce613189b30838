import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { InjectLeaderElection, LeaderElection, LeaderOnly, OnLeader } from '../../../lib/index.js';
import { listedKeys } from '../../support/listed-keys.js';
import { eventually } from '../../support/poll.js';
import { deferred } from '../../support/deferred.js';
import { untilWaiting, leaderOf, onEveryStore, said, short, TIMEOUT, type Instance } from './support.js';

/** A handler that works until the test ends it. */
@Injectable()
class Work {
  readonly handler = deferred();
  readonly job = deferred();
  runs = 0;

  constructor(@InjectLeaderElection('e') private readonly election: LeaderElection) {}

  @OnLeader('e')
  async lead(): Promise<void> {
    this.runs += 1;
    await this.handler.promise;
  }

  @LeaderOnly('e')
  async work(): Promise<string | undefined> {
    await this.job.promise;
    return 'done';
  }

  @LeaderOnly('e')
  async giveUp(): Promise<boolean | undefined> {
    return this.election.resign();
  }
}

@Injectable()
class GivesUpAtOnce {
  resigned: boolean[] = [];

  constructor(@InjectLeaderElection('e') private readonly election: LeaderElection) {}

  @OnLeader('e')
  async lead(): Promise<void> {
    this.resigned.push(await this.election.resign());
  }
}

@Injectable()
class GivesUpSoon {
  readonly resigned = deferred<boolean>();

  constructor(@InjectLeaderElection('e') private readonly election: LeaderElection) {}

  @OnLeader('e')
  async lead(): Promise<void> {
    // The other handler is called as well.
    await Promise.resolve();
    this.resigned.resolve(await this.election.resign());
  }
}

@Injectable()
class AlsoGivesUpSoon extends GivesUpSoon {}

/** A handler whose timer resigns, and that works until the test ends it. */
@Injectable()
class GivesUpByTimer {
  readonly resigned = deferred<boolean>();
  readonly finish = deferred();
  terms = 0;

  constructor(@InjectLeaderElection('e') private readonly election: LeaderElection) {}

  @OnLeader('e')
  async lead(): Promise<void> {
    this.terms += 1;
    if (this.terms > 1) return;
    setTimeout(() => {
      this.election.resign().then(this.resigned.resolve, this.resigned.reject);
    });
    await this.finish.promise;
  }
}

describe('a step-down', () => {
  onEveryStore((store) => {
    const two = async (): Promise<{ leader: Instance; next: Instance; work: Work }> => {
      const leader = await store.open([short()], { providers: [Work] });
      await leaderOf([leader]);
      const next = await store.open();
      await untilWaiting(leader, 1);
      const work = leader.app.get(Work);
      await eventually(() => work.runs === 1);
      return { leader, next, work };
    };

    it.each(['resign', 'close'] as const)('by %s() hands over only when the work has ended', async (how) => {
      const { leader, next, work } = await two();
      const job = work.work();
      const { signal } = leader.election();
      const stepping = how === 'resign' ? leader.election().resign() : leader.app.close();
      await eventually(() => !leader.election().isLeader());
      expect(signal.aborted).toBe(true);
      expect(await work.work()).toBeUndefined();

      work.handler.resolve();
      // The lease is renewed during the step-down: it is never below a half.
      const until = Date.now() + TIMEOUT * 0.6;
      await eventually(async () => {
        expect(next.election().isLeader()).toBe(false);
        expect((await next.locking.inspect('leader:e'))?.ttl).toBeGreaterThan(TIMEOUT * 0.4);
        return Date.now() > until;
      });
      work.job.resolve();
      await leaderOf([next], 1000);
      await stepping;
      expect(await job).toBe('done');
      expect(said(leader, 'warn')).toEqual([]);
    });

    it('a step-down waits for handlers for leaderTimeout at most, and says so', async () => {
      const { leader, next, work } = await two();
      const since = performance.now();
      await leader.election().resign();
      const took = performance.now() - since;
      expect(took).toBeGreaterThanOrEqual(TIMEOUT - 10);
      expect(took).toBeLessThan(TIMEOUT + 2000);
      await leaderOf([next]);
      expect(said(leader, 'warn').join()).toContain(
        `1 calls of @OnLeader or @LeaderOnly methods still ran ${TIMEOUT} ms`,
      );
      work.handler.resolve();
    });

    it('a step-down does not wait for the handler that asked for it', async () => {
      const { leader, next, work } = await two();
      work.handler.resolve();
      const since = performance.now();
      expect(await work.giveUp()).toBe(true);
      expect(performance.now() - since).toBeLessThan(TIMEOUT - 200);
      await leaderOf([next]);

      const gives = await store.open([short({ name: 'e' })], { providers: [GivesUpAtOnce] });
      await untilWaiting(next, 2);
      await leader.app.close();
      await next.app.close();
      await eventually(() => gives.app.get(GivesUpAtOnce).resigned.length > 1);
      expect(gives.app.get(GivesUpAtOnce).resigned).not.toContain(false);
      expect(said(gives, 'warn')).toEqual([]);
    });

    it('a step-down from a timer of a handler ends only when that handler has ended', async () => {
      const next = await store.open([short()]);
      await leaderOf([next]);
      const leader = await store.open([short()], { providers: [GivesUpByTimer] });
      await untilWaiting(next, 1);
      await next.election().resign();
      const { resigned, finish } = leader.app.get(GivesUpByTimer);
      expect(await resigned.promise).toBe(true);
      await untilWaiting(next, 1);
      expect([leader.election().isLeader(), next.election().isLeader()]).toEqual([false, false]);
      expect(await next.election().leaderId()).toBe(leader.election().instanceId);
      finish.resolve();
      await leaderOf([next]);
    });

    it('a step-down that two handlers ask for and wait for ends at once', async () => {
      const minute = short({ leaderTimeout: '1m' });
      const leader = await store.open([minute], { providers: [GivesUpSoon, AlsoGivesUpSoon] });
      const both = [leader.app.get(GivesUpSoon), leader.app.get(AlsoGivesUpSoon)];
      const led = await Promise.all(both.map(async ({ resigned }) => resigned.promise));
      expect(led).toContain(true);
      await eventually(async () => (await leader.election().leaderId()) === undefined);
    });

    it('a step-down is over before the locks are drained', async () => {
      const { leader, next, work } = await two();
      const closing = leader.app.close();
      work.handler.resolve();
      await closing;
      await leaderOf([next]);
      expect([
        ...said(leader, 'warn'),
        ...said(leader, 'error'),
        ...leader.log.of('warn'),
        ...leader.log.of('error'),
      ]).toEqual([]);
      await eventually(async () => (await listedKeys(next.locking)).length === 2);
    });

    it('the handler of the next term waits for that of a lost one', async () => {
      const { leader, next, work } = await two();
      await next.app.close();
      await leader.locking.forceRelease('leader:e');
      await eventually(() => !leader.election().isLeader());
      const until = Date.now() + TIMEOUT / 2;
      await eventually(() => {
        expect(work.runs).toBe(1);
        return Date.now() > until;
      });
      work.handler.resolve();
      await eventually(() => work.runs === 2);
    });
  });
});
