import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../lib/index.js';
import { deferred } from '../support/deferred.js';
import { FaultyStore, track } from '../support/faulty-provider.js';

let world: FaultyStore;

beforeEach(() => {
  world = new FaultyStore();
});

describe('keeping a lease', () => {
  it('renews at a third of it', async () => {
    const lock = await world.engine().acquire('a');
    await world.clock.advance('9999ms');
    expect(world.calls.extend).toBe(0);
    await world.clock.advance('1ms');
    expect(world.calls.extend).toBe(1);
    expect(lock.remaining).toBeGreaterThan(29_000);
    await world.clock.advance('5m');
    expect(lock.held).toBe(true);
    expect(world.calls.extend).toBe(31);
  });

  it('renews nothing after the release', async () => {
    const lock = await world.engine().acquire('a');
    await lock.release();
    await world.clock.advance('5m');
    expect(world.calls.extend).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('renews nothing after a release that comes while it is being renewed', async () => {
    const lock = await world.engine().acquire('a');
    world.fail('extend', 'hold');
    await world.clock.advance('10s');
    expect(world.calls.extend).toBe(1);
    await lock.release();
    world.mend();
    world.letGo();
    await world.clock.advance(0);
    expect(world.clock.pendingTimers).toBe(0);
    expect(await world.engine().tryAcquire('a')).not.toBeNull();
  });

  it('takes a fault for neither held nor lost until the deadline', async () => {
    const lock = await world.engine().acquire('a');
    const { signal } = lock;
    world.fail('extend', 'refuse');
    await world.clock.advance('28500ms');
    expect(signal.aborted).toBe(false);
    expect(lock.held).toBe(true);
    world.mend();
    await world.clock.advance('4s');
    expect(signal.aborted).toBe(false);
    expect(lock.remaining).toBeGreaterThan(20_000);
  });

  it('ends the trust at the local deadline, before the store frees the key, with or without an answer', async () => {
    const lock = await world.engine().acquire('a');
    const { signal } = lock;
    world.fail('extend', 'delay');
    while (!signal.aborted) await world.clock.advance('100ms');
    expect(signal.reason).toBeInstanceOf(LockLostError);
    expect(await world.engine().tryAcquire('a')).toBeNull();
    expect(world.clock.now()).toBeLessThan(30_000);
    expect(world.clock.now()).toBeGreaterThan(29_000);
  });

  it('counts from when the last confirmed renewal was sent', async () => {
    const lock = await world.engine().acquire('a', { expire: '3s', renew: true });
    world.fail('extend', 'hold');
    await world.clock.advance('1900ms');
    world.mend();
    world.letGo();
    await world.clock.advance(0);
    expect(lock.remaining).toBeLessThanOrEqual(2100);
    expect(lock.remaining).toBeGreaterThan(2000);
  });

  it('is lost at once when the store says so', async () => {
    const engine = world.engine();
    const lock = await engine.acquire('a');
    const { signal } = lock;
    world.store.delete('a');
    await world.clock.advance('10s');
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', keys: ['a'] });
    expect(await lock.release()).toBe(false);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('asks after a lease that is not renewed, too', async () => {
    const lock = await world.engine().acquire('a', { expire: '30s' });
    const { signal } = lock;
    world.store.delete('a');
    await world.clock.advance('10s');
    expect(signal.aborted).toBe(true);
  });

  it('finds out that it was frozen before it goes on, without any timer', async () => {
    const engine = world.engine();
    const goOn = deferred();
    let lock: { held: boolean; remaining: number } | undefined;
    const run = engine.execute('a', async (held) => {
      lock = held;
      await goOn.promise;
      return [held.held, held.remaining, held.signal.aborted];
    });
    await world.clock.advance(0);
    expect(lock?.held).toBe(true);
    freeze(31_000);
    goOn.resolve();
    await expect(run).rejects.toMatchObject({ code: 'LOCK_LOST', outcome: { value: [false, 0, true] } });
  });

  it('does not renew what ran out while it was frozen', async () => {
    const engine = world.engine();
    const lock = await engine.acquire('a');
    const { signal } = lock;
    freeze(31_000);
    const next = await world.engine().tryAcquire('a');
    await world.clock.advance(0);
    expect(signal.aborted).toBe(true);
    expect(next?.held).toBe(true);
    expect(await lock.release()).toBe(false);
    expect(await world.engine().tryAcquire('a')).toBeNull();
  });

  it('serves the next in line when a lease runs out', async () => {
    const engine = world.engine();
    await engine.acquire('a', { expire: '2s' });
    const wait = track(engine.acquire('a', { timeout: '10s' }));
    await world.clock.advance('3s');
    expect(wait.outcome?.status).toBe('fulfilled');
  });

  it('stops at maxHold', async () => {
    const lock = await world.engine().acquire('a', { expire: '6s', renew: true, maxHold: '1m' });
    const { signal } = lock;
    await world.clock.advance('1m');
    expect(signal.aborted).toBe(false);
    await world.clock.advance('6s');
    expect(signal.aborted).toBe(true);
  });

  it('cuts a lease to maxHold', async () => {
    const engine = world.engine();
    const lock = await engine.acquire('a', { ownerId: 'one', maxHold: '2s' });
    expect(lock.remaining).toBeLessThanOrEqual(2000);
    expect((await engine.engine.inspect('a'))?.ttl).toBe(2000);
  });

  it('frees the key early when the job of a lost lock ends', async () => {
    const goOn = deferred();
    const run = track(world.engine().execute('a', () => goOn.promise));
    world.fail('extend', 'delay');
    await world.clock.advance('29800ms');
    goOn.resolve();
    await world.clock.advance(0);
    expect(run.outcome).toMatchObject({ reason: { code: 'LOCK_LOST' } });
    expect(await world.engine().tryAcquire('a')).not.toBeNull();
  });
});

/** The process stands still while time goes on: no timer runs. */
function freeze(milliseconds: number): void {
  const clock = world.clock as unknown as { time: number };
  clock.time += milliseconds;
}
