import { beforeEach, describe, expect, it } from '@jest/globals';
import { FaultyStore, track } from '../support/faulty-provider.js';

let world: FaultyStore;

beforeEach(() => {
  world = new FaultyStore();
});

describe('waiting', () => {
  it('a wait ends at its deadline, to the millisecond, and leaves no timer', async () => {
    const [holder, waiter] = [world.engine(), world.engine()];
    const lock = await holder.acquire('a', { ownerId: 'one' });
    const wait = track(waiter.acquire('a', { timeout: '2s' }));
    await world.clock.advance('1999ms');
    expect(wait.outcome).toBeUndefined();
    await world.clock.advance('1ms');
    expect(wait.outcome).toMatchObject({ status: 'rejected', reason: { code: 'LOCK_TIMEOUT', timeout: 2000 } });
    await lock.release();
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('a waiter is served when the lease of a dead holder expires', async () => {
    const [holder, waiter] = [world.engine(), world.engine()];
    await holder.acquire('a', { expire: '3s' });
    const wait = track(waiter.acquire('a', { timeout: '10s' }));
    await world.clock.advance('2900ms');
    expect(wait.outcome).toBeUndefined();
    await world.clock.advance('1100ms');
    expect(wait.outcome?.status).toBe('fulfilled');
  });

  it('without wake-ups, a waiter is served within about a second of a release in another process', async () => {
    const [holder, waiter] = [world.engine(), world.engine()];
    const lock = await holder.acquire('a');
    const wait = track(waiter.acquire('a', { timeout: '60s' }));
    await world.clock.advance('20s');
    await lock.release();
    await world.clock.advance('1s');
    expect(wait.outcome?.status).toBe('fulfilled');
  });

  it('a waiter is served at once when the key is released in its own process', async () => {
    const engine = world.engine();
    const lock = await engine.acquire('a');
    const wait = track(engine.acquire('a'));
    await world.clock.advance('100ms');
    await lock.release();
    await world.clock.advance(0);
    expect(wait.outcome?.status).toBe('fulfilled');
  });

  it('a waiter is served when another process revokes the lock of its process', async () => {
    const [engine, other] = [world.engine(), world.engine()];
    const lock = await engine.acquire('a');
    const wait = track(engine.acquire('a', { timeout: '20s' }));
    await world.clock.advance('3s');
    await other.engine.byKey.forceRelease(['a']);
    await world.clock.advance('1s');
    expect(wait.outcome?.status).toBe('fulfilled');
    expect(lock.held).toBe(false);
    expect(lock.signal.aborted).toBe(true);
  });

  it('the store is asked only for the first of many waiters, and ever more seldom', async () => {
    const [holder, waiter] = [world.engine(), world.engine()];
    await holder.acquire('a');
    const waits = Array.from({ length: 500 }, () => track(waiter.acquire('a', { timeout: '1h' })));
    await world.clock.advance('10s');
    const before = world.calls.acquire;
    await world.clock.advance('60s');
    expect(world.calls.acquire - before).toBeLessThanOrEqual(60 * 4);
    expect(waits.every(({ outcome }) => outcome === undefined)).toBe(true);
  });

  it('the store is hardly asked while the holder is in this process', async () => {
    const engine = world.engine({ expire: '1h' });
    await engine.acquire('a');
    track(engine.acquire('a', { timeout: '1h' }));
    await world.clock.advance('1s');
    const before = world.calls.acquire;
    await world.clock.advance('60s');
    expect(world.calls.acquire - before).toBeLessThanOrEqual(60);
  });

  it('a newcomer does not pass waiters', async () => {
    const engine = world.engine();
    const lock = await engine.acquire('a');
    const first = track(engine.acquire('a'));
    await lock.release();
    expect(await engine.tryAcquire('a')).toBeNull();
    await world.clock.advance(0);
    expect(first.outcome?.status).toBe('fulfilled');
  });

  it('waiters behind a caller of several keys pass it while it lacks another key, and not afterwards', async () => {
    const engine = world.engine();
    const b = await engine.acquire('b');
    const both = track(engine.engine.acquire(['a', 'b'], { ...plain, timeout: 20_000 }));
    const [second, third] = [
      track(engine.acquire('a', { timeout: '20s' })),
      track(engine.acquire('a', { timeout: '20s' })),
    ];
    await world.clock.advance('2s');
    expect(both.outcome).toBeUndefined();
    expect(second.outcome?.status).toBe('fulfilled');
    expect(third.outcome).toBeUndefined();
    await b.release();
    await world.clock.advance(0);
    expect(both.outcome).toBeUndefined();
    if (second.outcome?.status === 'fulfilled') await second.outcome.value.release();
    await world.clock.advance(0);
    expect(both.outcome?.status).toBe('fulfilled');
    expect(third.outcome).toBeUndefined();
    if (both.outcome?.status === 'fulfilled') await both.outcome.value.release();
    await world.clock.advance(0);
    expect(third.outcome?.status).toBe('fulfilled');
  });

  it('all waits end at once when the engine closes', async () => {
    const [holder, waiter] = [world.engine(), world.engine()];
    await holder.acquire('a', { ownerId: 'one' });
    const waits = Array.from({ length: 3 }, () => track(waiter.acquire('a')));
    await world.clock.advance('100ms');
    await waiter.engine.close();
    for (const { outcome } of waits) expect(outcome).toMatchObject({ reason: { code: 'LOCK_BACKEND' } });
  });
});

const plain = {
  timeout: 5000,
  ttl: 30_000,
  renew: true,
  ownerId: undefined,
  signal: undefined,
  maxWaiters: Infinity,
  reentrant: true,
  maxHold: Infinity,
  minHold: 0,
  awaitRelease: true,
  keyTemplate: undefined,
  label: undefined,
  warnAfter: Infinity,
};
