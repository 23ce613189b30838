import { beforeEach, describe, expect, it } from '@jest/globals';
import { StoreNotReachedError } from '../../lib/index.js';
import { FaultyStore, track } from '../support/faulty-provider.js';

let world: FaultyStore;

beforeEach(() => {
  world = new FaultyStore();
});

/** Expects that `key` is free: another process gets it at once. */
async function expectFree(key: string): Promise<void> {
  world.mend();
  expect(await world.engine().tryAcquire(key)).not.toBeNull();
}

describe('a cancelled acquire', () => {
  it('an acquire whose answer comes after its deadline leaves nothing held', async () => {
    world.fail('acquire', 'hold');
    const wait = track(world.engine().acquire('a', { timeout: '1s' }));
    await world.clock.advance('1s');
    expect(wait.outcome).toMatchObject({ reason: { code: 'LOCK_BACKEND' } });
    world.mend();
    world.letGo();
    await world.clock.advance(0);
    await expectFree('a');
  });

  it('an acquire that reaches the store after its deadline leaves nothing held', async () => {
    world.fail('acquire', 'delay');
    const wait = track(world.engine().acquire('a', { timeout: '1s' }));
    await world.clock.advance('1s');
    expect(wait.outcome).toMatchObject({ reason: { code: 'LOCK_BACKEND' } });
    world.mend();
    world.letGo();
    await world.clock.advance(0);
    await expectFree('a');
  });

  it('an acquire that reaches the store after the time limit for answers leaves nothing held', async () => {
    world.fail('acquire', 'delay');
    const wait = track(world.engine().acquire('a', { timeout: '1h' }));
    await world.clock.advance('6s');
    expect(wait.outcome).toMatchObject({ reason: { code: 'LOCK_BACKEND' } });
    world.mend();
    world.letGo();
    await world.clock.advance(0);
    await expectFree('a');
  });

  it('an acquire whose signal aborts before the answer leaves nothing held', async () => {
    world.fail('acquire', 'hold');
    const abort = new AbortController();
    const wait = track(world.engine().acquire('a', { signal: abort.signal }));
    await world.clock.advance(0);
    abort.abort('enough');
    await world.clock.advance(0);
    expect(wait.outcome).toEqual({ status: 'rejected', reason: 'enough' });
    world.mend();
    world.letGo();
    await world.clock.advance(0);
    await expectFree('a');
  });

  it('an acquire that is under way when the engine closes leaves nothing held', async () => {
    world.fail('acquire', 'hold');
    const engine = world.engine();
    const wait = track(engine.acquire('a', { ownerId: 'one' }));
    await world.clock.advance(0);
    const closed = track(engine.engine.close());
    await world.clock.advance(0);
    expect(wait.outcome).toMatchObject({ reason: { code: 'LOCK_BACKEND' } });
    expect(closed.outcome).toBeUndefined();
    world.letGo();
    await world.clock.advance(0);
    expect(closed.outcome?.status).toBe('fulfilled');
    await expectFree('a');
  });

  it('an acquire whose answer is lost leaves nothing held', async () => {
    world.fail('acquire', 'lose');
    const wait = track(world.engine().acquire('a'));
    await world.clock.advance(0);
    expect(wait.outcome).toMatchObject({
      reason: { code: 'LOCK_BACKEND', reason: 'store', cause: { message: 'connection lost' } },
    });
    await expectFree('a');
  });

  it('the cancel of a lost acquire is repeated until the store can be reached', async () => {
    world.fail('acquire', 'lose');
    world.fail('release', 'refuse');
    track(world.engine().acquire('a', { ownerId: 'one' }));
    await world.clock.advance('3s');
    world.mend();
    await world.clock.advance('1s');
    await expectFree('a');
    expect(world.clock.pendingTimers).toBeGreaterThan(0);
  });

  it('an acquire asks again if its answer comes after the lease has expired', async () => {
    world.fail('acquire', 'hold');
    const engine = world.engine();
    const wait = track(engine.acquire('a', { expire: '200ms', timeout: '4s' }));
    await world.clock.advance('500ms');
    world.mend();
    world.letGo();
    await world.clock.advance('10ms');
    expect(wait.outcome?.status).toBe('fulfilled');
    if (wait.outcome?.status !== 'fulfilled') return;
    expect(wait.outcome.value.held).toBe(true);
    expect(world.calls.acquire).toBe(2);
  });

  it('a cancelled acquire keeps the key that the same owner held before', async () => {
    const engine = world.engine();
    const first = await engine.acquire('a', { ownerId: 'one' });
    world.fail('acquire', 'lose');
    await expect(engine.acquire('a', { ownerId: 'one' })).rejects.toMatchObject({ code: 'LOCK_BACKEND' });
    world.mend();
    await world.clock.advance('2s');
    expect(await world.engine().tryAcquire('a')).toBeNull();
    expect(await first.release()).toBe(true);
    await expectFree('a');
  });

  it('a cancelled acquire keeps the key that the same owner holds in another process', async () => {
    const first = await world.engine().acquire('a', { ownerId: 'one' });
    const second = world.engine();
    world.fail('acquire', 'lose');
    await expect(second.acquire('a', { ownerId: 'one' })).rejects.toMatchObject({ code: 'LOCK_BACKEND' });
    world.mend();
    await world.clock.advance('2s');
    expect(await world.engine().tryAcquire('a')).toBeNull();
    expect(await first.release()).toBe(true);
    await expectFree('a');
  });

  it('an acquire that was never sent is not cancelled in the store', async () => {
    const engine = world.engine();
    const provider = (engine.engine as unknown as { provider: { acquire: unknown } }).provider;
    provider.acquire = () => Promise.reject(new StoreNotReachedError('not connected'));
    await expect(engine.acquire('a')).rejects.toMatchObject({ code: 'LOCK_BACKEND' });
    expect(world.calls.release).toBe(0);
  });
});

describe('a busy key and a store that is down', () => {
  it('a new call fails at once if the store is down', async () => {
    world.fail('acquire', 'refuse');
    await expect(world.engine().acquire('a', { timeout: '1h' })).rejects.toMatchObject({ code: 'LOCK_BACKEND' });
    await expect(world.engine().tryAcquire('a')).rejects.toMatchObject({ code: 'LOCK_BACKEND' });
  });

  it('all waiters learn at their deadline that the store does not answer', async () => {
    world.fail('acquire', 'hold');
    const engine = world.engine();
    const waits = Array.from({ length: 3 }, () => track(engine.acquire('a', { timeout: '800ms' })));
    await world.clock.advance('800ms');
    for (const { outcome } of waits) expect(outcome).toMatchObject({ reason: { code: 'LOCK_BACKEND' } });
  });

  it('a wait ends with "held" also while a request for the key is under way', async () => {
    const [holder, waiter] = [world.engine(), world.engine({ maximumRetryInterval: 50, defaultRetryInterval: 50 })];
    await holder.acquire('a');
    const wait = track(waiter.acquire('a', { timeout: '900ms' }));
    await world.clock.advance('880ms');
    world.fail('acquire', 'hold');
    await world.clock.advance('20ms');
    expect(wait.outcome).toMatchObject({ reason: { code: 'LOCK_TIMEOUT' } });
  });

  it('a tryAcquire that the store never answers fails', async () => {
    world.fail('acquire', 'hold');
    const attempt = track(world.engine().tryAcquire('a'));
    await world.clock.advance('6s');
    expect(attempt.outcome).toMatchObject({ reason: { code: 'LOCK_BACKEND' } });
  });

  it('waiters go on waiting during a fault of the store', async () => {
    const [holder, waiter] = [world.engine(), world.engine()];
    const lock = await holder.acquire('a', { ownerId: 'one' });
    const wait = track(waiter.acquire('a', { timeout: '20s' }));
    await world.clock.advance('1s');
    world.fail('acquire', 'refuse');
    await world.clock.advance('5s');
    expect(wait.outcome).toBeUndefined();
    world.mend();
    await lock.release();
    await world.clock.advance('1s');
    expect(wait.outcome?.status).toBe('fulfilled');
  });

  it('a waiter whose wait ends during a fault of the store learns of the fault', async () => {
    const [holder, waiter] = [world.engine(), world.engine()];
    await holder.acquire('a', { ownerId: 'one' });
    const wait = track(waiter.acquire('a', { timeout: '5s' }));
    await world.clock.advance('1s');
    world.fail('acquire', 'refuse');
    await world.clock.advance('4s');
    expect(wait.outcome).toMatchObject({ reason: { code: 'LOCK_BACKEND', cause: { code: 'LOCK_BACKEND' } } });
  });
});

describe('a release that fails', () => {
  it('a failed release does not change the outcome of the job, and is repeated', async () => {
    const engine = world.engine();
    world.fail('release', 'refuse');
    expect(await engine.execute('a', () => 'done')).toBe('done');
    expect(await world.engine().tryAcquire('a')).toBeNull();
    world.mend();
    await world.clock.advance('500ms');
    await expectFree('a');
  });

  it('lock.release() rejects if the release fails, and the release is repeated', async () => {
    const lock = await world.engine().acquire('a');
    world.fail('release', 'refuse');
    await expect(lock.release()).rejects.toMatchObject({ code: 'LOCK_BACKEND' });
    world.mend();
    await world.clock.advance('1s');
    await expectFree('a');
  });

  it('release by key ends the trust in the lock before the store can have freed the key', async () => {
    const engine = world.engine();
    const lock = await engine.acquire('a');
    world.fail('release', 'hold');
    const released = track(engine.engine.byKey.release(['a'], undefined));
    await world.clock.advance(0);
    const next = await world.engine().tryAcquire('a');
    expect([next?.held, lock.held, lock.signal.aborted]).toEqual([true, false, true]);
    world.letGo();
    await world.clock.advance(0);
    expect(released.outcome).toEqual({ status: 'fulfilled', value: true });
    expect(await lock.release()).toBe(false);
    expect(next?.held).toBe(true);
  });

  it('after a failed release by key, lock.release() still releases the key', async () => {
    const engine = world.engine();
    const lock = await engine.acquire('a', { ownerId: 'one' });
    world.fail('release', 'refuse');
    await expect(engine.engine.byKey.release(['a'], undefined)).rejects.toMatchObject({ code: 'LOCK_BACKEND' });
    world.mend();
    await lock.release();
    await expectFree('a');
  });

  it('a failed release does not make `await using` throw', async () => {
    const lock = await world.engine().acquire('a');
    world.fail('release', 'refuse');
    await expect(lock[Symbol.asyncDispose]()).resolves.toBeUndefined();
  });

  it('a failed release is no longer repeated once the lease has expired', async () => {
    const lock = await world.engine().acquire('a', { expire: '3s' });
    world.fail('release', 'refuse');
    await lock.release().catch(() => undefined);
    await world.clock.advance('60s');
    const calls = world.calls.release;
    expect(calls).toBeLessThanOrEqual(8);
    await world.clock.advance('60s');
    expect(world.calls.release).toBe(calls);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('a failed release is repeated for as long as an extension may last whose answer was lost', async () => {
    const lock = await world.engine().acquire('a', { expire: '3s' });
    world.fail('extend', 'lose');
    await expect(lock.extend('5m')).rejects.toMatchObject({ code: 'LOCK_BACKEND' });
    world.fail('release', 'refuse');
    await lock.release().catch(() => undefined);
    await world.clock.advance('60s');
    expect(await world.engine().tryAcquire('a')).toBeNull();
    world.mend();
    await world.clock.advance('1s');
    await expectFree('a');
  });
});
