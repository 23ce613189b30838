import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  InjectLeaderElection,
  LeaderElection,
  LockingService,
  OnFollower,
  OnLeader,
  type LeaderTerm,
} from '../../../lib/index.js';
import { eventually } from '../../support/poll.js';
import { onEveryStore, short, type Instance } from './support.js';

const tenant = new AsyncLocalStorage<string>();

/** Records the async context of each handler. */
@Injectable()
class Handlers {
  readonly seen: [what: string, tenant: string | undefined, keys: readonly string[] | undefined][] = [];

  constructor(
    @InjectLeaderElection('e') election: LeaderElection,
    private readonly locking: LockingService,
  ) {
    election.events.on('leader', () => this.note('event leader'));
    election.events.on('follower', () => this.note('event follower'));
  }

  @OnLeader('e')
  lead({ signal }: LeaderTerm): void {
    this.note('leader');
    signal.addEventListener('abort', () => this.note('abort'));
  }

  @OnFollower('e')
  follow(): void {
    this.note('follower');
  }

  private note(what: string): void {
    this.seen.push([what, tenant.getStore(), this.locking.current()?.keys]);
  }
}

onEveryStore((store) => {
  const open = (): Promise<Instance> =>
    tenant.run('who starts it', () => store.open([short()], { providers: [Handlers] }));

  it.each<[string, (instance: Instance) => unknown]>([
    ['resigns', ({ election }) => election().resign()],
    [
      'takes the lock of the leader',
      ({ locking, election }) => locking.forceRelease('leader:e').then(() => election().isLeader()),
    ],
  ])('handlers and listeners are called outside the job that %s', async (_, end) => {
    const instance = await open();
    const { seen } = instance.app.get(Handlers);
    await eventually(() => seen.some(([what]) => what === 'leader'));
    await tenant.run('of the job', () => instance.locking.execute('job', () => end(instance)));
    await eventually(() => seen.some(([what]) => what === 'follower'));
    const told = ['event leader', 'leader', 'abort', 'event follower', 'follower'];
    expect(seen.slice(0, told.length)).toEqual(told.map((what) => [what, undefined, undefined]));
  });
});
