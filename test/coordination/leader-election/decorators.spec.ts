import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Scope } from '@nestjs/common';
import { ContextIdFactory } from '@nestjs/core';
import { Cron, Interval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { setTimeout as delay } from 'node:timers/promises';
import {
  InjectLeaderElection,
  LeaderElection,
  LeaderOnly,
  OnFollower,
  OnLeader,
  WithLock,
  type LeaderTerm,
} from '../../../lib/index.js';
import { eventually } from '../../support/poll.js';
import { untilWaiting, leaderOf, onEveryStore, said, short, type Instance } from './support.js';

/** Records the calls of its handlers, in order. */
@Injectable()
class Relay {
  readonly told: string[] = [];
  readonly terms: LeaderTerm[] = [];

  constructor(@InjectLeaderElection('e') readonly election: LeaderElection) {}

  @OnLeader('e')
  async lead(term: LeaderTerm): Promise<void> {
    this.told.push(`leads: ${this.election.isLeader()}`);
    this.terms.push(term);
    while (!term.signal.aborted) await delay(5);
    this.told.push('ended');
  }

  @OnLeader('e')
  async fails(): Promise<void> {
    throw new Error('handler broke');
  }

  @OnLeader('e')
  async aborted({ signal }: LeaderTerm): Promise<void> {
    await delay(600_000, undefined, { signal });
  }

  @OnFollower('e')
  follow(term: LeaderTerm | undefined): void {
    this.told.push(`follows ${term?.fencingToken ?? '-'}: ${this.election.isLeader()}`);
  }
}

@Controller()
class Inherits extends Relay {
  override async fails(): Promise<void> {
    return Promise.resolve();
  }
}

@Injectable({ scope: Scope.REQUEST })
class OfRequest {
  runs = 0;

  @OnLeader('e')
  lead(): void {
    this.runs += 1;
  }

  @LeaderOnly('e')
  async work(): Promise<string | undefined> {
    return Promise.resolve('worked');
  }
}

describe('@OnLeader and @OnFollower', () => {
  onEveryStore((store) => {
    it('@OnLeader and @OnFollower call methods with the term that begins and the one that has ended', async () => {
      // Long, as the term should end by a step-down, not by a busy machine.
      const leaders = [short({ leaderTimeout: '10s' })];
      const first = await store.open(leaders, { providers: [Relay] });
      await leaderOf([first]);
      const { told, terms } = first.app.get(Relay);
      await eventually(() => told.length > 0);
      const [term] = terms;
      expect(told).toEqual(['leads: true']);
      expect(term).toMatchObject({ name: 'e', fencingToken: first.election().fencingToken });
      expect(term!.instanceId).toBe(await first.election().leaderId());
      expect(term!.remaining).toBeGreaterThan(0);

      const second = await store.open(leaders, { controllers: [Inherits] });
      await untilWaiting(first, 1);
      expect(second.app.get(Inherits).told).toEqual(['follows -: false']);
      await first.app.close();
      await leaderOf([second]);
      expect(told).toEqual(['leads: true', `follows ${term!.fencingToken}: false`, 'ended']);
      expect(term!.remaining).toBe(0);
      await eventually(() => second.app.get(Inherits).told.includes('leads: true'));
      // A handler that fails with the reason of its signal is no error.
      expect(said(second, 'error')).toEqual([
        'Leader election "e": @OnLeader("e") on Relay.fails failed: handler broke.',
      ]);
    });

    it('@OnLeader and @OnFollower methods are called once, though Nest knows their provider several times', async () => {
      const aliases = [
        { provide: 'alias', useExisting: Relay },
        { provide: 'made', useFactory: (it: Relay) => it, inject: [Relay] },
      ];
      const instance = await store.open([short()], { providers: [Relay, ...aliases] });
      await leaderOf([instance]);
      await eventually(() => instance.app.get(Relay).told.length > 0);
      expect(instance.app.get(Relay).told).toEqual(['leads: true']);
    });

    it('@OnLeader and @OnFollower warn if there is no instance to call', async () => {
      const instance = await store.open([short()], { providers: [OfRequest] });
      await leaderOf([instance]);
      expect(said(instance, 'warn')).toEqual([
        '@OnLeader("e") on OfRequest.lead is never called: its class is request-scoped or transient, so that there is no instance to call it on. Move the method to a provider of default scope',
      ]);
    });
  });
});

@Injectable()
class Jobs {
  ticks = 0;
  runs: string[] = [];

  @LeaderOnly('e')
  async plain(what: string): Promise<string | undefined> {
    this.runs.push('plain');
    return Promise.resolve(`did ${what}`);
  }

  @LeaderOnly('e', { onFollower: (what: string) => `left ${what}` })
  async fallback(what: string): Promise<string> {
    return Promise.resolve(`did ${what}`);
  }

  @LeaderOnly('e')
  async fails(): Promise<void> {
    await Promise.resolve();
    throw new Error('job broke');
  }

  @Interval(5)
  async tick(): Promise<void> {
    this.ticks += 1;
    return Promise.resolve();
  }

  @LeaderOnly('e')
  @Interval(5)
  async above(): Promise<void> {
    this.runs.push('above');
    return Promise.resolve();
  }

  @Interval(5)
  @LeaderOnly('e')
  async below(): Promise<void> {
    this.runs.push('below');
    return Promise.resolve();
  }

  @LeaderOnly('e')
  @Cron('* * * * * *', { name: 'cron-above' })
  async cronAbove(): Promise<void> {
    this.runs.push('cron-above');
    return Promise.resolve();
  }

  @Cron('* * * * * *', { name: 'cron-below' })
  @LeaderOnly('e')
  async cronBelow(): Promise<void> {
    this.runs.push('cron-below');
    return Promise.resolve();
  }

  @WithLock('locked')
  @LeaderOnly('e')
  @OnFollower('e')
  async locked(): Promise<string | undefined> {
    return Promise.resolve('locked');
  }
}

describe('@LeaderOnly', () => {
  onEveryStore((store) => {
    const parts = { imports: [ScheduleModule.forRoot()], providers: [Jobs, OfRequest] };
    const two = async (): Promise<{ leader: Instance; follower: Instance }> => {
      const leader = await store.open([short()], parts);
      await leaderOf([leader]);
      const follower = await store.open([short()], parts);
      await untilWaiting(leader, 1);
      return { leader, follower };
    };

    it('@LeaderOnly runs a method on the leader, and returns undefined or the fallback on others', async () => {
      const { leader, follower } = await two();
      const [leading, following] = [leader.app.get(Jobs), follower.app.get(Jobs)];
      expect(await leading.plain('it')).toBe('did it');
      expect(await leading.fallback('it')).toBe('did it');
      expect(await leading.locked()).toBe('locked');
      await expect(leading.fails()).rejects.toThrow('job broke');
      expect(await following.plain('it')).toBeUndefined();
      expect(await following.fallback('it')).toBe('left it');
      expect(await following.locked()).toBeUndefined();
      expect(await following.fails()).toBeUndefined();
      expect(following.runs).not.toContain('plain');
    });

    it('@LeaderOnly above or below @Cron runs the schedule on the leader only', async () => {
      const { leader, follower } = await two();
      const [leading, following] = [leader.app.get(Jobs), follower.app.get(Jobs)];
      await eventually(() => following.ticks > 20);
      await eventually(() => ['above', 'below'].every((name) => leading.runs.includes(name)));
      for (const { app } of [leader, follower]) {
        for (const name of ['cron-above', 'cron-below']) void app.get(SchedulerRegistry).getCronJob(name).fireOnTick();
      }
      await eventually(() => ['cron-above', 'cron-below'].every((name) => leading.runs.includes(name)));
      expect(following.runs).toEqual([]);
      await leader.app.close();
      await eventually(() => following.runs.includes('above'));
    });

    it('@LeaderOnly works on a request-scoped provider', async () => {
      const { leader, follower } = await two();
      const id = ContextIdFactory.create();
      expect(await (await leader.app.resolve(OfRequest, id)).work()).toBe('worked');
      expect(await (await follower.app.resolve(OfRequest, id)).work()).toBeUndefined();
    });
  });
});
