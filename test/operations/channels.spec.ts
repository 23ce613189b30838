import { beforeEach, describe, expect, it } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import { Injectable } from '@nestjs/common';
import {
  IdempotencyService,
  lockingChannels,
  LockLostError,
  LockTimeoutError,
  LockingService,
  Singleton,
  WithLock,
} from '../../lib/index.js';
import { isObserved } from '../../lib/diagnostics/traces.js';
import { LockingTestControl, LockingTestingModule } from '../../lib/testing/index.js';
import { FaultyStore, track } from '../support/faulty-provider.js';
import { SharedStore } from '../support/shared-store.js';
import { useApps, rejection } from '../support/nest-apps.js';
import { channelsOf, messagesOf, useRecorder } from './support/recorded.js';

@Injectable()
class Orders {
  @WithLock('order:<0>')
  async pay(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  @WithLock((id: string) => `stock:${id}`)
  async take(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  @WithLock('bill:<0>', { keyTemplate: 'bills' })
  async bill(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  @Singleton('report:<0>')
  async report(year: number): Promise<number | undefined> {
    return Promise.resolve(year);
  }
}

describe('the diagnostics channels', () => {
  const startApp = useApps();
  const record = useRecorder();
  let locking: LockingService;
  let control: LockingTestControl;
  let orders: Orders;
  let idempotency: IdempotencyService;

  beforeEach(async () => {
    const app = await startApp({ imports: [LockingTestingModule.forRoot()], providers: [Orders] });
    locking = app.get(LockingService);
    control = app.get(LockingTestControl);
    orders = app.get(Orders);
    idempotency = app.get(IdempotencyService);
  });

  it('a lock that is granted and released is told of on acquire and hold, with durations', async () => {
    const recorded = record('acquire', 'hold');
    const elsewhere = await control.holdElsewhere('order:42');
    const paying = locking.execute('order:42', async () => control.clock.advance('3s'), {
      timeout: '10s',
      keyTemplate: 'order:<id>',
    });
    await control.clock.advance('2s');
    await elsewhere.release();
    await control.clock.advance('1s');
    await paying;
    expect(channelsOf(recorded)).toEqual([
      'acquire:start',
      'acquire:end',
      'acquire:asyncStart',
      'acquire:asyncEnd',
      'hold:start',
      'hold:end',
      'hold:asyncStart',
      'hold:asyncEnd',
    ]);
    const subject = { provider: 'in-memory', keys: ['order:42'], keyTemplate: 'order:<id>' };
    expect(messagesOf(recorded, 'acquire:start')).toEqual([
      { ...subject, application: expect.any(String), timeout: 10_000 },
    ]);
    const [acquired] = messagesOf(recorded, 'acquire:asyncEnd');
    expect(acquired).toMatchObject({ ...subject, outcome: 'acquired', fencingToken: expect.any(Number) });
    expect(acquired!.waited).toBeGreaterThanOrEqual(2000);
    expect(acquired!.waited).toBeLessThanOrEqual(3000);
    const [held] = messagesOf(recorded, 'hold:asyncEnd');
    const { ownerId, fencingToken } = acquired!;
    expect(held).toMatchObject({ ...subject, ownerId, fencingToken, outcome: 'released' });
    expect(held!.held).toBeGreaterThanOrEqual(3000);
    expect(held!.error).toBeUndefined();
  });

  it('the keys of a message are not those by which the lock is released', async () => {
    const told: (readonly string[])[] = [];
    const change = ({ keys }: { readonly keys: readonly string[] }): void => {
      told.push(keys);
      expect(() => (keys as string[]).reverse()).toThrow(TypeError);
    };
    const waits = { start: change };
    lockingChannels.acquire.subscribe(waits);
    lockingChannels.revoked.subscribe(change);
    try {
      const lock = await locking.acquire(['a', 'b']);
      expect(told).toEqual([['a', 'b']]);
      expect(told[0]).not.toBe(lock.keys);
      await locking.forceRelease('a');
      expect(told).toHaveLength(2);
      expect(told[1]).not.toBe(lock.keys);
    } finally {
      lockingChannels.acquire.unsubscribe(waits);
      lockingChannels.revoked.unsubscribe(change);
    }
  });

  it('a decorator names its template, and a key function its class and method', async () => {
    const recorded = record('acquire');
    await orders.pay('1');
    await orders.take('1');
    await orders.bill('1');
    await orders.report(2020);
    await idempotency.run('payment-7', {}, () => 1);
    await locking.execute('plain', () => undefined);
    const templates = messagesOf(recorded, 'acquire:start').map(({ keyTemplate }) => keyTemplate);
    expect(templates).toEqual(['order:<0>', 'Orders.take', 'bills', 'report:<0>', 'idempotency:<key>', undefined]);
  });

  it.each([
    ['timeout', { timeout: '1s' }, 'timeout', 'held'],
    ['timeout 0', { timeout: 0 }, 'busy', undefined],
  ] as const)('a refused call is told of with its outcome: %s', async (_, options, outcome, reason) => {
    const recorded = record('acquire', 'hold', 'timeout');
    await control.holdElsewhere('a');
    const refused = track(locking.acquire('a', { ...options, keyTemplate: 'x' }));
    await control.clock.advance('2s');
    expect(refused.outcome).toMatchObject({ status: 'rejected' });
    const [message] = messagesOf(recorded, 'acquire:asyncEnd');
    expect(message).toMatchObject({ outcome, keyTemplate: 'x' });
    expect(message!.error).toBeInstanceOf(LockTimeoutError);
    expect(messagesOf(recorded, 'acquire:error')).toHaveLength(1);
    expect(messagesOf(recorded, 'hold:start')).toEqual([]);
    expect(messagesOf(recorded, 'timeout')).toMatchObject(
      reason === undefined ? [] : [{ keys: ['a'], keyTemplate: 'x', timeout: 1000, waited: 1000, reason }],
    );
  });

  it('a full queue and a cancelled wait have outcomes of their own', async () => {
    const recorded = record('acquire', 'timeout');
    const abort = new AbortController();
    await locking.acquire('a');
    const waiting = track(locking.acquire('a', { signal: abort.signal }));
    await expect(locking.acquire('a', { maxWaiters: 1 })).rejects.toThrow(LockTimeoutError);
    abort.abort(new Error('enough'));
    await control.clock.advance(0);
    expect(waiting.outcome).toMatchObject({ reason: { message: 'enough' } });
    const outcomes = messagesOf(recorded, 'acquire:asyncEnd').map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['acquired', 'queue-full', 'cancelled']);
    expect(messagesOf(recorded, 'timeout')).toMatchObject([{ reason: 'queue-full', waited: 0 }]);
  });

  it('a lock that an operator revokes is told of on revoked, not on lost', async () => {
    const recorded = record('hold', 'lost', 'revoked');
    const lock = await locking.acquire('a');
    await control.clock.advance('1s');
    await locking.forceRelease('a');
    expect(lock.held).toBe(false);
    expect(messagesOf(recorded, 'lost')).toEqual([]);
    const [revoked] = messagesOf(recorded, 'revoked');
    expect(revoked).toMatchObject({ keys: ['a'], ownerId: lock.ownerId, reason: 'revoked' });
    expect(revoked!.error).toBeInstanceOf(LockLostError);
    expect(messagesOf(recorded, 'hold:asyncEnd')).toMatchObject([{ outcome: 'revoked', held: 1000 }]);
    await lock.release();
    expect(messagesOf(recorded, 'hold:asyncEnd')).toHaveLength(1);
  });

  it('a lease that runs out is told of on lost', async () => {
    const recorded = record('lost', 'revoked');
    const lock = await locking.acquire('a', { expire: '2s' });
    await control.clock.advance('3s');
    expect(lock.held).toBe(false);
    expect(messagesOf(recorded, 'lost')).toMatchObject([{ keys: ['a'], reason: 'expired' }]);
    expect(messagesOf(recorded, 'revoked')).toEqual([]);
  });

  it('a lock that is released by key is released, not lost', async () => {
    const recorded = record('hold', 'lost', 'revoked');
    await locking.acquire('a', { ownerId: 'me', expire: '1m' });
    await locking.release('a', { ownerId: 'me' });
    expect(messagesOf(recorded, 'hold:asyncEnd')).toMatchObject([{ outcome: 'released' }]);
    expect(messagesOf(recorded, 'hold:error')).toEqual([]);
    expect(messagesOf(recorded, 'lost')).toEqual([]);
  });

  it('a nested call that joins the lock around it neither waits nor holds', async () => {
    const recorded = record('acquire', 'hold');
    await locking.execute('a', async () => locking.execute('a', () => undefined));
    expect(messagesOf(recorded, 'acquire:asyncEnd')).toHaveLength(1);
    expect(messagesOf(recorded, 'hold:asyncEnd')).toHaveLength(1);
  });

  it('start is published in the async context of the caller', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const subscribers = { start: () => void seen.push(storage.getStore()) };
    lockingChannels.acquire.subscribe(subscribers);
    try {
      await storage.run('the request', async () => orders.pay('1'));
    } finally {
      lockingChannels.acquire.unsubscribe(subscribers);
    }
    expect(seen).toEqual(['the request']);
  });

  it('calls to the store are told of with the number of their requests', async () => {
    const recorded = record('store');
    await Promise.all([locking.execute('a', () => undefined), locking.execute('b', () => undefined)]);
    await locking.inspect('a');
    const ended = messagesOf(recorded, 'store:asyncEnd');
    expect(ended.map(({ operation, requests }) => [operation, requests])).toEqual([
      ['acquire', 2],
      ['release', 2],
      ['inspect', 1],
    ]);
    expect(ended[0]).toMatchObject({ provider: 'in-memory', failed: 0, duration: expect.any(Number) });
  });

  it('the channels are those that node:diagnostics_channel knows by their names', () => {
    expect(channel('nestjs-locking:lost')).toBe(lockingChannels.lost);
    expect(channel('nestjs-locking:job-put-back')).toBe(lockingChannels.jobPutBack);
    const seen: unknown[] = [];
    const subscribers = { asyncEnd: (message: unknown) => void seen.push(message) };
    const byName = tracingChannel('nestjs-locking:acquire') as unknown as typeof lockingChannels.acquire;
    byName.subscribe(subscribers);
    expect(lockingChannels.acquire.hasSubscribers).toBe(true);
    byName.unsubscribe(subscribers);
    expect([isObserved(), seen]).toEqual([false, []]);
  });

  it('a keyTemplate that cannot be a label is refused before anything is locked', async () => {
    for (const keyTemplate of ['', 'x'.repeat(257), 7 as unknown as string]) {
      await expect(locking.execute('a', () => undefined, { keyTemplate })).rejects.toThrow(/keyTemplate/);
    }
    expect(await locking.inspect('a')).toBeNull();
  });
});

describe('locks of a store that fails', () => {
  const record = useRecorder();

  it('a call that the store does not answer ends with the outcome store, and the store call as failed', async () => {
    const recorded = record('acquire', 'store', 'timeout');
    const world = new FaultyStore();
    world.fail('acquire', 'refuse');
    await expect(world.engine().acquire('a')).rejects.toThrow(/connection refused/);
    expect(messagesOf(recorded, 'acquire:asyncEnd')).toMatchObject([{ outcome: 'store' }]);
    expect(messagesOf(recorded, 'timeout')).toEqual([]);
    const [call] = messagesOf(recorded, 'store:asyncEnd');
    expect(call).toMatchObject({ operation: 'acquire', requests: 1, failed: 1 });
    expect((call!.error as Error).message).toBe('connection refused');
    expect(messagesOf(recorded, 'store:error')).toHaveLength(1);
  });

  it('a call that is never answered is told of once, after 5 s', async () => {
    const recorded = record('store');
    const world = new FaultyStore();
    world.fail('acquire', 'hold');
    const waiting = track(world.engine().acquire('a', { timeout: '1m' }));
    await world.clock.advance('6s');
    expect(waiting.outcome).toMatchObject({ status: 'rejected' });
    const first = messagesOf(recorded, 'store:asyncEnd').filter(({ operation }) => operation === 'acquire');
    expect(first).toMatchObject([{ failed: 1, duration: 5000 }]);
    world.letGo();
    await world.clock.advance('1s');
    expect(messagesOf(recorded, 'store:asyncEnd').filter(({ operation }) => operation === 'acquire')).toHaveLength(1);
  });

  it('a lock that the store has lost is told of as gone, also when only its release finds out', async () => {
    const recorded = record('lost');
    const world = new FaultyStore();
    const engine = world.engine();
    const [early, late] = [await engine.acquire('early'), await engine.acquire('late', { expire: '1h' })];
    for (const key of ['early', 'late']) world.store.delete(key);
    await world.clock.advance('11s');
    expect(early.held).toBe(false);
    expect(messagesOf(recorded, 'lost')).toMatchObject([{ keys: ['early'], reason: 'gone' }]);
    expect(await late.release()).toBe(false);
    expect(messagesOf(recorded, 'lost')).toMatchObject([{ keys: ['early'] }, { keys: ['late'], reason: 'gone' }]);
  });

  it('a part of several keys that is lost while the others are waited for is no loss of a lock', async () => {
    const recorded = record('hold', 'lost', 'revoked');
    const world = new SharedStore();
    const [process, other] = [await world.listeningProcess(), await world.listeningProcess()];
    const elsewhere = { a: await other.acquire('a'), b: await other.acquire('b') };
    const before = recorded.length;
    const waiting = track(process.acquire(['a', 'b'], { timeout: '1h' }));
    await world.clock.advance('1s');
    await elsewhere.a.release();
    await world.settle();
    const collected = await world.observer.inspect(['a', 'b']);
    await other.engine.byKey.forceRelease(['a']);
    await elsewhere.b.release();
    await world.clock.advance('5s');
    expect(collected.map((lease) => lease?.ownerId === elsewhere.b.ownerId)).toEqual([false, true]);
    expect(collected[0]).not.toBeNull();
    expect(waiting.outcome).toMatchObject({ status: 'fulfilled' });
    const after = recorded.slice(before);
    expect([...messagesOf(after, 'lost'), ...messagesOf(after, 'revoked')]).toEqual([]);
    expect(messagesOf(after, 'hold:start').map(({ keys }) => keys)).toEqual([['a', 'b']]);
  });

  it('each lock that is handed on within the process is a hold of its own', async () => {
    const recorded = record('acquire', 'hold');
    const world = new FaultyStore();
    const engine = world.engine();
    const jobs = [1, 2, 3].map(async (n) => engine.execute('a', () => n));
    await Promise.all(jobs);
    const held = messagesOf(recorded, 'hold:asyncEnd');
    expect(held.map(({ outcome }) => outcome)).toEqual(['released', 'released', 'released']);
    expect(new Set(held.map(({ fencingToken }) => fencingToken)).size).toBe(3);
    const acquired = messagesOf(recorded, 'acquire:asyncEnd').map(({ fencingToken }) => fencingToken);
    expect(acquired).toEqual(held.map(({ fencingToken }) => fencingToken));
  });

  it('wake-ups that are interrupted and restored are told of', async () => {
    const recorded = record('wakeUps');
    const world = new SharedStore();
    const process = await world.listeningProcess();
    process.wire.interrupt();
    process.wire.restore();
    expect(messagesOf(recorded, 'wakeUps').map(({ status }) => status)).toEqual(['interrupted', 'restored']);
  });
});

it('the shutdown of an application tells of the locks that it ends', async () => {
  // A subscriber of its own: the recorder ends with each test, and this application closes before that.
  const lost: unknown[] = [];
  const listener = ({ reason, keys }: { reason: string; keys: readonly string[] }): void => {
    lost.push([reason, keys]);
  };
  lockingChannels.lost.subscribe(listener);
  try {
    const world = new FaultyStore();
    const engine = world.engine({ drainTimeout: 0 });
    await engine.acquire('a');
    const closing = engine.engine.close();
    await world.clock.advance('1s');
    await closing;
    expect(lost).toEqual([['shutdown', ['a']]]);
    expect(await rejection(engine.acquire('b'))).toMatchObject({ reason: 'shutdown' });
  } finally {
    lockingChannels.lost.unsubscribe(listener);
  }
});
