import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Leaps } from '../../lib/engine/runtime/leaps.js';
import { InMemoryLockingProvider, LockLostError } from '../../lib/index.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf } from '../support/shared-store.js';
import { LockEngine } from '../../lib/engine/lock-engine.js';
import { readEngineSettings } from '../../lib/engine/options/engine-settings.js';

let world: SharedStore;

beforeEach(() => {
  world = new SharedStore();
});

describe('a lock in a machine that was suspended', () => {
  it('after a suspension longer than its lease, a lock is not held from the first look on, and lost once the store says so', async () => {
    const lock = await world.process().acquire('a');
    const { signal } = lock;
    world.clock.suspend('31s');
    expect([lock.held, lock.remaining, signal.aborted]).toEqual([false, 0, false]);
    await world.settle();
    expect(signal.reason).toBeInstanceOf(LockLostError);
    expect(await lock.release()).toBe(false);
  });

  it('a lock that expired during a suspension is found lost within a second, though its holder does not look', async () => {
    const { signal } = await world.process().acquire('a');
    world.clock.suspend('31s');
    await world.clock.advance('1s');
    expect(signal.aborted).toBe(true);
  });

  it('after a suspension shorter than its lease, a lock stays held and is renewed within a second', async () => {
    const process = world.process();
    const lock = await process.acquire('a');
    world.clock.suspend('25s');
    expect(lock.held).toBe(true);
    expect(lock.remaining).toBeLessThan(5000);
    await world.clock.advance('1s');
    expect(lock.remaining).toBeGreaterThan(28_000);
    expect(process.wire.extensions).toHaveLength(1);
  });

  it('a renewal sent before a suspension and answered after it does not make the lock held', async () => {
    const process = world.process();
    const lock = await process.acquire('a');
    process.wire.fail('extend', 'hold');
    await world.clock.advance('10s');
    expect(process.wire.extensions).toHaveLength(1);
    world.clock.suspend('31s');
    process.wire.letGo();
    await Promise.resolve();
    expect(lock.held).toBe(false);
    await world.settle();
    expect(lock.held).toBe(false);
  });

  it('a lock that expired during a suspension is not handed off within the process', async () => {
    const [process, other] = [await world.listeningProcess(), await world.listeningProcess()];
    const first = await process.acquire('a');
    const second = track(process.acquire('a', { timeout: '1h' }));
    await world.settle();
    world.clock.suspend('31s');
    const released = first.release();
    const elsewhere = await other.acquire('a');
    expect(await released).toBe(false);
    await world.clock.advance('1s');
    expect(second.outcome).toBeUndefined();
    await elsewhere.release();
    await world.settle();
    expect(lockOf(second).fencingToken).toBeGreaterThan(elsewhere.fencingToken);
  });

  it('a nested job does not begin under a lock that expired during a suspension', async () => {
    const process = world.process();
    const job = jest.fn();
    const outer = process.execute('a', async () => {
      world.clock.suspend('31s');
      await process.execute('a', job);
    });
    await expect(outer).rejects.toMatchObject({ outcome: { reason: { notRun: true } } });
    expect(job).not.toHaveBeenCalled();
  });

  it('a job that ends as soon as the machine wakes has its result', async () => {
    const run = world.process().execute('a', () => {
      world.clock.suspend('31s');
      return 'done';
    });
    await expect(run).rejects.toMatchObject({ code: 'LOCK_LOST', outcome: { value: 'done' } });
  });
});

describe('a lock in a machine whose time of day was set forward', () => {
  it.each([{}, { expire: '20s' }, { expire: '20s', maxHold: '40s', renew: true }] as const)(
    'after a leap of the time of day, a lock is held again once the store has confirmed it: %j',
    async (options) => {
      const lock = await world.process().acquire('a', options);
      await world.clock.advance('1s');
      const before = lock.remaining;
      world.clock.setForward('1h');
      expect(lock.held).toBe(false);
      await world.settle();
      expect(lock.held).toBe(true);
      if (!('maxHold' in options) && 'expire' in options) expect(lock.remaining).toBeLessThanOrEqual(before);
      await world.clock.advance('15s');
      expect([lock.held, lock.signal.aborted]).toEqual([true, false]);
      expect(await lock.release()).toBe(true);
    },
  );

  it('after a leap of the time of day, jobs may end and nested jobs may begin before the store has answered', async () => {
    const process = world.process();
    const run = process.execute('a', async () => {
      world.clock.setForward('1h');
      const inner = await process.execute('a', ({ held }) => held);
      world.clock.setForward('1h');
      return inner;
    });
    expect(await run).toBe(true);
    expect(await world.observer.inspect(['a'])).toEqual([null]);
  });

  it('after a leap of the time of day, a lock can be extended before the store has answered', async () => {
    const lock = await world.process().acquire('a');
    world.clock.setForward('1h');
    expect(await lock.extend('1m')).toBe(true);
    expect(lock.remaining).toBeGreaterThan(58_000);
  });

  it('after a leap of the time of day, the store is asked again if it cannot be reached at first', async () => {
    const process = world.process();
    const lock = await process.acquire('a');
    process.wire.fail('extend', 'refuse');
    world.clock.setForward('1h');
    await world.clock.advance('2s');
    expect([lock.held, lock.signal.aborted]).toEqual([false, false]);
    process.wire.mend();
    await world.clock.advance('1s');
    expect([lock.held, lock.signal.aborted]).toEqual([true, false]);
  });

  it.each(['refuse', 'delay'] as const)('is lost after 5 s where the store does not answer: %s', async (fault) => {
    const process = world.process();
    const { signal } = await process.acquire('a');
    process.wire.fail('extend', fault);
    world.clock.setForward('1h');
    await world.clock.advance('5900ms');
    expect(signal.aborted).toBe(false);
    await world.clock.advance('200ms');
    expect(signal.reason).toBeInstanceOf(LockLostError);
  });

  it('a lock that never expires is not checked after a leap of the time of day', async () => {
    const process = world.process();
    const lock = await process.acquire('a', { ownerId: 'me' });
    world.clock.setForward('1h');
    expect(lock.held).toBe(true);
    await world.settle();
    expect(process.wire.extensions).toHaveLength(0);
  });

  it('a check after a leap of the time of day leaves no timer', async () => {
    const lock = await world.process().acquire('a');
    world.clock.setForward('1h');
    await world.clock.advance('2s');
    await lock.release();
    await world.settle();
    expect(world.clock.pendingTimers).toBe(0);
  });
});

it('waits do not end early when the time of day is set forward', async () => {
  const [process, other] = [await world.listeningProcess(), await world.listeningProcess()];
  const elsewhere = await other.acquire('a');
  const waiting = track(process.acquire('a', { timeout: '10s' }));
  await world.clock.advance('1s');
  world.clock.setForward('1h');
  await world.clock.advance('1s');
  expect(waiting.outcome).toBeUndefined();
  await elsewhere.release();
  await world.settle();
  expect(lockOf(waiting).held).toBe(true);
});

describe('leaps of the time of day', () => {
  let [monotonic, timeOfDay] = [0, 0];
  let leaps: Leaps;
  const sum = (): number => leaps.sum(monotonic);

  beforeEach(() => {
    [monotonic, timeOfDay] = [1000, 1_800_000_000_000];
    leaps = new Leaps(
      () => monotonic,
      () => timeOfDay,
    );
    sum();
  });

  it('leaps of the time of day add up', () => {
    timeOfDay += 60_000;
    expect(sum()).toBe(60_000);
    monotonic += 5;
    timeOfDay += 5;
    expect(sum()).toBe(60_000);
    timeOfDay += 100;
    expect(sum()).toBe(60_100);
  });

  it('leaps backwards and back again do not count', () => {
    timeOfDay -= 60_000;
    expect(sum()).toBe(0);
    timeOfDay += 1000;
    expect(sum()).toBe(1000);
  });

  it('a clock that runs slow or fast, or in coarse steps, makes no leaps', () => {
    for (let step = 0; step < 10_000; step += 1) {
      monotonic += 1000;
      timeOfDay += 1005 + (step % 2);
      expect(sum()).toBe(0);
    }
  });

  it('a process that stands still between two readings makes no leap', () => {
    const late = new Leaps(
      () => monotonic,
      () => timeOfDay,
    );
    late.sum(monotonic);
    const read = monotonic;
    monotonic += 3000;
    timeOfDay += 3000;
    expect(late.sum(read)).toBe(0);
    expect(late.sum(monotonic)).toBe(0);
    monotonic += 10;
    timeOfDay += 10;
    expect(late.sum(monotonic)).toBe(0);
  });

  it('another monotonic clock, as of fake timers, makes no leap', () => {
    monotonic = 0;
    expect(sum()).toBe(0);
    monotonic = 100_000;
    expect(sum()).toBe(0);
  });

  it('an engine on the clock of the machine sees leaps', async () => {
    const engine = new LockEngine(new InMemoryLockingProvider(), readEngineSettings({}));
    const lock = await engine.acquire(['a'], engine.resolve({}, 'handle'));
    const [now, standing] = [Date.now.bind(Date), performance.now()];
    jest.spyOn(Date, 'now').mockImplementation(() => now() + 60_000);
    jest.spyOn(performance, 'now').mockReturnValue(standing);
    try {
      expect(lock.held).toBe(false);
      // the store is in this process, so it was suspended as well
      while (!lock.held) await new Promise((resolve) => setImmediate(resolve));
      expect(lock.signal.aborted).toBe(false);
    } finally {
      jest.restoreAllMocks();
    }
    await lock.release();
    await engine.close();
  });
});
