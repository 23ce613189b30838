import { beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { AsyncLocalStorage } from 'node:async_hooks';
import { take, type Subscription } from 'rxjs';
import { lockedProcessor } from '../../lib/coordination/bullmq/index.js';
import { OncePerTick } from '../../lib/coordination/schedule/index.js';
import {
  getLeaderElectionToken,
  LeaderElection,
  lockingChannels,
  LockConfigurationError,
  LockEvents,
  LockingModule,
  LockingService,
  WithLock,
  type LockEvent,
  type LockEventType,
} from '../../lib/index.js';
import { LockingTestControl, LockingTestingModule } from '../../lib/testing/index.js';
import { thrown, useApps } from '../support/nest-apps.js';
import { eventually } from '../support/poll.js';
import { useQueues } from '../coordination/bullmq/support/queues.js';

@Injectable()
class Orders {
  @WithLock('order:<0>')
  async pay(id: string): Promise<string> {
    return Promise.resolve(id);
  }
}

const WATCHED: readonly [LockEventType, ...LockEventType[]] = [
  'waiting',
  'waited',
  'held',
  'released',
  'timeout',
  'lost',
  'revoked',
];

describe('LockEvents', () => {
  const startApp = useApps();
  const start = async () => {
    const app = await startApp({ imports: [LockingTestingModule.forRoot()], providers: [Orders] });
    return { app, events: app.get(LockEvents), locking: app.get(LockingService), orders: app.get(Orders) };
  };
  let seen: LockEvent[] = [];

  beforeEach(() => {
    seen = [];
  });

  const follow = (events: LockEvents): Subscription => events.on(...WATCHED).subscribe((event) => seen.push(event));
  const types = (): string[] => seen.map(({ type }) => type);

  it('events come in their order, with what they are about', async () => {
    const { events, orders } = await start();
    follow(events);
    await orders.pay('1');
    await eventually(() => seen.length === 4);
    expect(types()).toEqual(['waiting', 'waited', 'held', 'released']);
    expect(seen[0]).not.toHaveProperty('outcome');
    expect(seen[3]).toMatchObject({ keys: ['order:1'], keyTemplate: 'order:<0>', outcome: 'released' });
    expect(seen[3]!.time).toBeInstanceOf(Date);
  });

  it('another application in the process has events of its own', async () => {
    const [one, other] = [await start(), await start()];
    follow(one.events);
    await other.orders.pay('of the other');
    await one.orders.pay('own');
    await eventually(() => seen.length === 4);
    expect(new Set(seen.flatMap((event) => ('keys' in event ? event.keys : [])))).toEqual(new Set(['order:own']));
  });

  it('a listener runs outside of the lock and the context of what it is told of', async () => {
    const { events, locking } = await start();
    const storage = new AsyncLocalStorage<string>();
    const around: unknown[] = [];
    const done = new Promise<void>((resolve) => {
      events.on('held').subscribe(() => {
        around.push(storage.getStore(), locking.current());
        resolve();
      });
    });
    await storage.run('a request', async () => locking.execute('a', async () => done));
    expect(around).toEqual([undefined, undefined]);
  });

  it('a listener may take the very lock that it is told of', async () => {
    const { events, locking } = await start();
    const taken = new Promise<boolean>((resolve) => {
      events
        .on('released')
        .pipe(take(1))
        .subscribe(({ keys }) => {
          void locking.tryAcquire(keys).then((lock) => resolve(lock !== null));
        });
    });
    await locking.execute('a', () => undefined);
    expect(await taken).toBe(true);
  });

  it('nothing is listened to before the first subscription and after the last', async () => {
    const { events, orders } = await start();
    const observable = events.on('held');
    expect(lockingChannels.hold.hasSubscribers).toBe(false);
    const subscriptions = [observable.subscribe(), observable.subscribe()];
    subscriptions[0]!.unsubscribe();
    expect(lockingChannels.hold.hasSubscribers).toBe(true);
    expect(lockingChannels.acquire.hasSubscribers).toBe(false);
    subscriptions[1]!.unsubscribe();
    expect(lockingChannels.hold.hasSubscribers).toBe(false);
    const following = follow(events);
    const paid = orders.pay('1');
    following.unsubscribe();
    await paid;
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([]);
  });

  it('the end of the application is the end of its events, and the last ones are told before', async () => {
    const { app, events, locking } = await start();
    let completed = 0;
    const complete = (): void => void (completed += 1);
    events.on('released').subscribe({ next: (event) => seen.push(event), complete });
    await locking.acquire('a');
    await app.close();
    expect(seen).toMatchObject([{ keys: ['a'], outcome: 'shutdown' }]);
    events.on('released').subscribe({ complete });
    expect(completed).toBe(2);
    expect(lockingChannels.hold.hasSubscribers).toBe(false);
  });

  it('kinds that there are not are refused', async () => {
    const { events } = await start();
    for (const types of [[], ['loss'], ['toString']] as unknown as [['lost']]) {
      expect(thrown(() => events.on(...types))).toBeInstanceOf(LockConfigurationError);
    }
    expect(() => events.on('loss' as 'lost')).toThrow(/"loss" is not a kind of event\. Known are: waiting, waited/);
  });

  it('a lock that is lost, revoked or not had is an event', async () => {
    const { app, events, locking } = await start();
    const { clock } = app.get(LockingTestControl);
    follow(events);
    await locking.acquire('a', { expire: '1s' });
    await locking.acquire('b');
    const refused = locking.acquire('b', { timeout: '3s' }).catch(() => undefined);
    await clock.advance('4s');
    await refused;
    await locking.forceRelease('b');
    await eventually(() => types().includes('revoked'));
    expect(types().filter((type) => ['lost', 'timeout', 'revoked'].includes(type))).toEqual([
      'lost',
      'timeout',
      'revoked',
    ]);
  });
});

describe('events of elections, ticks and queue jobs', () => {
  const startApp = useApps();
  const queues = useQueues();

  it('the begin and the end of a term are events', async () => {
    const app = await startApp({
      imports: [LockingModule.forRoot(), LockingModule.forFeature({ leaders: [{ name: 'relay' }] })],
    });
    const election = app.get<LeaderElection>(getLeaderElectionToken('relay'));
    const seen: LockEvent<'leader'>[] = [];
    app
      .get(LockEvents)
      .on('leader')
      .subscribe((event) => seen.push(event));
    await eventually(() => election.isLeader());
    await election.resign();
    await eventually(() => seen.some(({ role }) => role === 'follower'));
    const ended = seen.find(({ role }) => role === 'follower');
    expect(ended).toMatchObject({
      election: 'relay',
      instanceId: election.instanceId,
      provider: 'in-memory',
      fencingToken: expect.any(Number),
      error: undefined,
    });
  });

  it('what becomes of a tick is an event', async () => {
    const app = await startApp({ imports: [LockingModule.forRoot()], providers: [OncePerTick, SchedulerRegistry] });
    const seen: LockEvent<'tick'>[] = [];
    app
      .get(LockEvents)
      .on('tick')
      .subscribe((event) => seen.push(event));
    const ticks = app.get(OncePerTick);
    await ticks.run('good', () => 1, { every: '1h' });
    await ticks.run('good', () => 1, { every: '1h' });
    const failure = new Error('no');
    await expect(ticks.run('bad', () => Promise.reject(failure), { every: '1h' })).rejects.toThrow('no');
    await eventually(() => seen.length === 3);
    expect(seen.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['good', 'ran'],
      ['good', 'elsewhere'],
      ['bad', 'failed'],
    ]);
    expect(seen[0]).toMatchObject({ kind: 'interval', provider: 'in-memory', takenOver: false, error: undefined });
    expect(seen[0]!.at).toBeInstanceOf(Date);
    expect(seen[2]!.error).toBe(failure);
  });

  it('a queue job that is put back is an event', async () => {
    const app = await startApp({ imports: [LockingModule.forRoot()] });
    const locking = app.get(LockingService);
    const seen: LockEvent<'job-put-back'>[] = [];
    app
      .get(LockEvents)
      .on('job-put-back')
      .subscribe((event) => seen.push(event));
    const queue = queues.queue<{ id: string }>();
    const holder = await locking.acquire('payment:1');
    const processor = lockedProcessor(locking, 'payment:<0.data.id>', () => Promise.resolve(1), { retryDelay: '1m' });
    queues.work(queue, processor);
    const job = await queue.add('pay', { id: '1' });
    await eventually(() => seen.length === 1);
    expect(seen[0]).toMatchObject({
      queue: queue.name,
      jobId: job.id,
      jobName: 'pay',
      keys: ['payment:1'],
      keyTemplate: 'payment:<0.data.id>',
      reason: 'key-taken',
      outcome: 'delayed',
      provider: 'in-memory',
    });
    await holder.release();
  });
});
