import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Clock } from '../../lib/engine/runtime/clock.js';
import type { HeldLock } from '../../lib/engine/lock/held-lock.js';
import { InMemoryLockingProvider, MemoryLockStore } from '../../lib/index.js';
import { ManualClock } from '../../lib/testing/index.js';
import { TestEngine } from '../support/faulty-provider.js';
import { Random } from './random.js';
import { Resource } from './write-store/resource.js';

/** The clock of a store, which the test sets. */
class SetClock implements Clock {
  /** The error of the clock for leases, in milliseconds. */
  shift = 0;
  /** The error of the time of day, in milliseconds. */
  dayShift = 0;

  constructor(private readonly real: ManualClock) {}

  now(): number {
    return this.real.now() + this.shift;
  }

  leapt(): number {
    return 0;
  }

  epochMicroseconds(): number {
    return this.real.epochMicroseconds() + this.dayShift * 1000;
  }

  setTimer(callback: () => void, milliseconds: number) {
    return this.real.setTimer(callback, milliseconds);
  }
}

const HOUR = 3_600_000;
const LEASE = { expire: '1s', renew: false, timeout: 0 } as const;

let clock: ManualClock;
let storeClock: SetClock;
let one: TestEngine;
let two: TestEngine;

beforeEach(() => {
  clock = new ManualClock();
  storeClock = new SetClock(clock);
  const store = new MemoryLockStore(storeClock);
  const engine = (): TestEngine => new TestEngine(new InMemoryLockingProvider({ store }), {}, clock);
  one = engine();
  two = engine();
});

async function nextToken(): Promise<number> {
  const lock = await one.acquire('k', LEASE);
  await lock.release();
  return lock.fencingToken;
}

describe("the store's time of day", () => {
  it('tokens rise after the time of day of the store is set back', async () => {
    const before = await nextToken();
    storeClock.dayShift = -HOUR;
    const after = await nextToken();
    expect(after).toBeGreaterThan(before);
    expect(await nextToken()).toBeGreaterThan(after);
  });

  it('tokens rise after the time of day of the store is set ahead and back again', async () => {
    storeClock.dayShift = HOUR;
    const ahead = await nextToken();
    storeClock.dayShift = 0;
    expect(await nextToken()).toBeGreaterThan(ahead);
  });

  it('tokens rise over an expired lease after the time of day of the store is set back', async () => {
    const held = await one.acquire('k', LEASE);
    storeClock.dayShift = -HOUR;
    await clock.advance('2s');
    const next = await two.acquire('k', LEASE);
    expect(next.fencingToken).toBeGreaterThan(held.fencingToken);
  });
});

describe('the clock by which the store counts leases', () => {
  it('a store clock that is set back excludes others for longer than the holder trusts its lease', async () => {
    const held = await one.acquire('k', LEASE);
    storeClock.shift = -5000;
    await clock.advance('1s');
    expect(held.held).toBe(false);
    expect(held.signal.aborted).toBe(true);
    expect(await two.tryAcquire('k', LEASE)).toBeNull();
    await clock.advance('5s');
    expect((await two.tryAcquire('k', LEASE))?.fencingToken).toBeGreaterThan(held.fencingToken);
  });

  it('only the fencing token tells of a store clock that is set ahead: the holder cannot notice it in time', async () => {
    const resource = new Resource();
    const write = (lock: HeldLock) =>
      resource.perform({ n: 0, by: '', id: 0, op: 'write', key: 'k', token: lock.fencingToken }).accepted;
    const held = await one.acquire('k', LEASE);
    storeClock.shift = 5000;
    const next = await two.acquire('k', LEASE);
    expect(held.held).toBe(true);
    expect(write(next)).toBe(true);
    expect(write(held)).toBe(false);
  });

  it('a store clock that is set back at any moment never gives two processes the lock at once', async () => {
    const random = new Random('store clock');
    const locks: HeldLock[] = [];
    let grants = 0;
    let last = 0;
    for (let step = 0; step < 2000; step += 1) {
      const drawn = random.next();
      if (drawn < 0.1) storeClock.shift -= random.between(0, 800);
      else if (drawn < 0.2) storeClock.dayShift -= random.between(0, HOUR);
      else if (drawn < 0.5) await clock.advance(`${Math.round(random.between(1, 600))}ms`);
      else if (drawn < 0.7) await locks.pop()?.release();
      else {
        const lock = await random.pick([one, two]).tryAcquire('k', LEASE);
        if (!lock) continue;
        expect(locks.filter(({ held }) => held)).toEqual([]);
        expect(lock.fencingToken).toBeGreaterThan(last);
        last = lock.fencingToken;
        grants += 1;
        locks.push(lock);
      }
    }
    expect(grants).toBeGreaterThan(100);
  });
});
