import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../lib/index.js';
import { deferred } from '../support/deferred.js';
import { FaultyStore, track } from '../support/faulty-provider.js';

let world: FaultyStore;

beforeEach(() => {
  world = new FaultyStore();
});

describe('renewal of a lease', () => {
  it('a lease is renewed after a third of its length', async () => {
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

  it('a released lease is not renewed', async () => {
    const lock = await world.engine().acquire('a');
    await lock.release();
    await world.clock.advance('5m');
    expect(world.calls.extend).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('a lease that is released during its renewal is not renewed again', async () => {
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

  it('a failed renewal does not make the lock lost before its deadline', async () => {
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

  it('the lock is lost at its local deadline, before the store frees the key, whether the store answers or not', async () => {
    const lock = await world.engine().acquire('a');
    const { signal } = lock;
    world.fail('extend', 'delay');
    while (!signal.aborted) await world.clock.advance('100ms');
    expect(signal.reason).toBeInstanceOf(LockLostError);
    expect(await world.engine().tryAcquire('a')).toBeNull();
    expect(world.clock.now()).toBeLessThan(30_000);
    expect(world.clock.now()).toBeGreaterThan(29_000);
  });

  it('the local deadline counts from the sending of the last confirmed renewal', async () => {
    const lock = await world.engine().acquire('a', { expire: '3s', renew: true });
    world.fail('extend', 'hold');
    await world.clock.advance('1900ms');
    world.mend();
    world.letGo();
    await world.clock.advance(0);
    expect(lock.remaining).toBeLessThanOrEqual(2100);
    expect(lock.remaining).toBeGreaterThan(2000);
  });

  it('a lock is lost at once when the store says so', async () => {
    const engine = world.engine();
    const lock = await engine.acquire('a');
    const { signal } = lock;
    world.store.delete('a');
    await world.clock.advance('10s');
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', keys: ['a'] });
    expect(await lock.release()).toBe(false);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('the engine also asks the store about a lease without renewal', async () => {
    const lock = await world.engine().acquire('a', { expire: '30s' });
    const { signal } = lock;
    world.store.delete('a');
    await world.clock.advance('10s');
    expect(signal.aborted).toBe(true);
  });

  it('a process that was frozen sees its lock lost before any timer runs', async () => {
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

  it('a lease that expired while its process was frozen is not renewed', async () => {
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

  it('the first waiter gets the lock when a lease expires', async () => {
    const engine = world.engine();
    await engine.acquire('a', { expire: '2s' });
    const wait = track(engine.acquire('a', { timeout: '10s' }));
    await world.clock.advance('3s');
    expect(wait.outcome?.status).toBe('fulfilled');
  });

  it('renewal stops at maxHold', async () => {
    const lock = await world.engine().acquire('a', { expire: '6s', renew: true, maxHold: '1m' });
    const { signal } = lock;
    await world.clock.advance('1m');
    expect(signal.aborted).toBe(false);
    await world.clock.advance('6s');
    expect(signal.aborted).toBe(true);
  });

  it('a lease is never longer than maxHold', async () => {
    const engine = world.engine();
    const lock = await engine.acquire('a', { ownerId: 'one', maxHold: '2s' });
    expect(lock.remaining).toBeLessThanOrEqual(2000);
    expect((await engine.engine.overview.inspect('a'))?.ttl).toBe(2000);
  });

  it('the key is freed early when the job of a lost lock ends', async () => {
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

/** Time goes on, but the process stands still: no timer runs. */
function freeze(milliseconds: number): void {
  const clock = world.clock as unknown as { time: number };
  clock.time += milliseconds;
}
