import { beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ShutdownOutcome } from '../../lib/engine/control/shutdown.js';
import type { LockBackendError } from '../../lib/index.js';
import { deferred } from '../support/deferred.js';
import { FaultyStore, track } from '../support/faulty-provider.js';

let world: FaultyStore;

beforeEach(() => {
  world = new FaultyStore();
});

const heldKeys = (): string[] => [...world.store.keys()];

describe('two shutdowns at once', () => {
  it('two shutdowns at once both end with the job', async () => {
    const process = world.engine({ drainTimeout: '10s' });
    const [started, finish] = [deferred(), deferred()];
    const job = process.execute('a', async () => {
      started.resolve();
      await finish.promise;
    });
    await started.promise;
    const closings = [track(process.engine.close()), track(process.engine.close())];
    await world.clock.advance('1s');
    expect(closings.map(({ outcome }) => outcome)).toEqual([undefined, undefined]);
    finish.resolve();
    await job;
    await world.clock.advance(0);
    for (const { outcome } of closings) expect(outcome).toEqual({ status: 'fulfilled', value: { unfinished: 0 } });
  });

  it('two shutdowns at once both fail with the keys that could not be released', async () => {
    const process = world.engine({ drainTimeout: 0 });
    await process.acquire('a');
    world.fail('release', 'refuse');
    const closings = [track(process.engine.close()), track(process.engine.close())];
    await world.clock.advance('2s');
    for (const { outcome } of closings) {
      expect(outcome).toMatchObject({ value: { failure: { code: 'LOCK_BACKEND', keys: ['a'] } } });
    }
  });
});

describe('a release that fails at shutdown', () => {
  const names = Array.from({ length: 600 }, (_, index) => `k${index}`);

  it('at shutdown, a failed release does not keep other locks from being released', async () => {
    const process = world.engine();
    for (const name of names) await process.acquire(name);
    world.fail('release', 'refuse', (keys) => keys.includes('k0'));
    const closing = track(process.engine.close());
    await world.clock.advance('12s');
    expect(heldKeys()).toEqual(['k0']);
    expect(closing.outcome).toMatchObject({ value: { failure: { code: 'LOCK_BACKEND', keys: ['k0'] } } });
  });

  it('at shutdown, a failed release is repeated for as long as the shutdown may take', async () => {
    const process = world.engine();
    for (const name of names) await process.acquire(name);
    world.fail('release', 'refuse');
    const closing = track(process.engine.close());
    await world.clock.advance('1s');
    expect(closing.outcome).toBeUndefined();
    world.mend();
    await world.clock.advance('1s');
    expect(closing.outcome).toEqual({ status: 'fulfilled', value: { unfinished: 0 } });
    expect(heldKeys()).toEqual([]);
  });

  it('a shutdown reports all keys that may still be held', async () => {
    const process = world.engine();
    for (const name of names) await process.acquire(name);
    world.fail('release', 'refuse');
    const closing = track(process.engine.close());
    await world.clock.advance('12s');
    const { failure } = (closing.outcome as PromiseFulfilledResult<ShutdownOutcome>).value;
    expect([...(failure?.keys ?? [])].sort()).toEqual([...names].sort());
    expect(failure?.message).toMatch(/^Could not release "k\d+", "k\d+", "k\d+" and 597 more: connection refused\./);
  });
});

describe('a shutdown while the store does not answer', () => {
  it.each([
    ['when nothing runs', false, 1600],
    ['when the jobs have used up their time', true, 11_600],
  ])('a shutdown while the store does not answer ends in time %s', async (_, runs, limit) => {
    const process = world.engine({ drainTimeout: '10s' });
    await process.acquire('a');
    if (runs) void process.execute('job', async () => new Promise(() => undefined)).catch(() => undefined);
    const waiting = track(process.acquire('a', { timeout: '1m' }));
    await world.clock.advance(0);
    for (const primitive of ['acquire', 'extend', 'release'] as const) world.fail(primitive, 'delay');
    const late = track(process.acquire('late', { timeout: '1m' }));
    await world.clock.advance(0);

    const closing = track(process.engine.close());
    await world.clock.advance(`${limit - 1}ms`);
    for (const { outcome } of [waiting, late]) expect(outcome).toMatchObject({ reason: { reason: 'shutdown' } });
    expect(closing.outcome).toBeUndefined();
    await world.clock.advance('1ms');
    expect(closing.outcome).toMatchObject({ value: { unfinished: runs ? 1 : 0 } });
    // The timer of the store.
    expect(world.clock.pendingTimers).toBe(1);
  });
});

describe('a shutdown on a slow store', () => {
  it('a shutdown on a slow store goes on for as long as jobs would have had, while releases are answered', async () => {
    const process = world.engine({ drainTimeout: '10s' });
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) await process.acquire(name);
    const closing = track(process.engine.close());
    let refused = [...names];
    world.fail('release', 'refuse', ([key]) => refused.includes(key ?? ''));
    for (const name of names) {
      await world.clock.advance('1s');
      expect(closing.outcome).toBeUndefined();
      refused = refused.filter((other) => other !== name);
    }
    await world.clock.advance('1s');
    expect(closing.outcome).toEqual({ status: 'fulfilled', value: { unfinished: 0 } });
    expect(heldKeys()).toEqual([]);
  });
});

describe('releaseAll', () => {
  it('releaseAll frees the other keys of the owner if the store fails for some', async () => {
    const process = world.engine();
    const elsewhere = world.engine();
    const names = Array.from({ length: 600 }, (_, index) => `k${index}`);
    for (const name of names) await elsewhere.acquire(name, { ownerId: 'me' });
    world.fail('release', 'refuse', (keys) => keys.includes('k0'));
    const freeing = track(process.engine.byKey.releaseAll('me'));
    await world.clock.advance(0);
    const { reason } = freeing.outcome as PromiseRejectedResult & { reason: LockBackendError };
    expect(reason.keys).toContain('k0');
    expect([...heldKeys()].sort()).toEqual([...reason.keys].sort());
    expect(reason.keys.length).toBeLessThanOrEqual(200);
  });

  describe('releaseAll of very many locks', () => {
    const names = Array.from({ length: 5000 }, (_, index) => `k${index}`);

    it('releaseAll of very many locks sends a few of them at a time', async () => {
      const process = world.engine();
      for (const name of names) await world.engine().acquire(name, { ownerId: 'me' });
      world.fail('release', 'hold');
      const freeing = process.engine.byKey.releaseAll('me');
      while (world.calls.release < 20) await nextTurn();
      await nextTurn();
      expect(world.calls.release).toBe(20);
      world.mend();
      world.letGo();
      expect(await freeing).toBe(5000);
    });

    it('releaseAll of very many locks stops if the store fails for all of a batch, and names every key that is left', async () => {
      const process = world.engine();
      for (const name of names) await world.engine().acquire(name, { ownerId: 'me' });
      world.fail('release', 'refuse');
      const freeing = process.engine.byKey.releaseAll('me');
      await expect(freeing).rejects.toMatchObject({ code: 'LOCK_BACKEND', keys: { length: 5000 } });
      expect(world.calls.release).toBe(20);
    });
  });
});
