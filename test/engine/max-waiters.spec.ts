import { beforeEach, describe, expect, it } from '@jest/globals';
import { readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import { isLockTimeoutError, LockConfigurationError, LockTimeoutError } from '../../lib/index.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, times, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  process = world.process({ maxWaiters: 2 });
});

const queueFull = { status: 'rejected', reason: { code: 'LOCK_TIMEOUT', reason: 'queue-full' } };

describe('maxWaiters', () => {
  it('a caller beyond maxWaiters is refused at once, and the waiters are served', async () => {
    const lock = await process.acquire('a');
    const waits = times(2, () => track(process.acquire('a', { timeout: '10s' })));
    const refused = track(process.acquire('a', { timeout: '10s' }));
    await world.settle();
    expect(refused.outcome).toMatchObject({
      status: 'rejected',
      reason: {
        keys: ['a'],
        timeout: 10_000,
        message:
          '"a" was not locked: 2 other caller(s) of this process already wait for "a", and maxWaiters allows no more. No job was run: try again later, or raise maxWaiters.',
      },
    });
    const { reason } = refused.outcome as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(LockTimeoutError);
    expect(isLockTimeoutError(reason)).toBe(true);
    expect(reason).toMatchObject({ reason: 'queue-full' });

    await lock.release();
    for (const wait of waits) {
      await world.settle();
      await lockOf(wait).release();
    }
    await world.settle();
    expect(world.clock.pendingTimers).toBe(0);
    await (await process.acquire('a')).release();
  });

  it('a wait that timed out has the reason "held", not "queue-full"', async () => {
    await process.acquire('a');
    const wait = track(process.acquire('a', { timeout: '1s' }));
    await world.clock.advance('1s');
    expect(wait.outcome).toMatchObject({ status: 'rejected', reason: { code: 'LOCK_TIMEOUT', reason: 'held' } });
  });

  it('the caller that gets a free key does not count for maxWaiters', async () => {
    const calls = times(5, () => track(process.acquire('a', { timeout: '10s' })));
    await world.settle();
    const outcomes = calls.map(({ outcome }) => outcome?.status);
    expect(outcomes).toEqual(['fulfilled', undefined, undefined, 'rejected', 'rejected']);
  });

  it('a caller that waits for another process counts for maxWaiters', async () => {
    await world.process().acquire('a');
    const waits = times(2, () => track(process.acquire('a', { timeout: '10s' })));
    await world.settle();
    const refused = track(process.acquire('a', { timeout: '10s' }));
    await world.settle();
    expect(waits.map(({ outcome }) => outcome)).toEqual([undefined, undefined]);
    expect(refused.outcome).toMatchObject(queueFull);
  });

  it('the queue has room again when a waiter has cancelled', async () => {
    await process.acquire('a');
    const abort = new AbortController();
    const wait = track(process.acquire('a', { timeout: '10s', signal: abort.signal }));
    track(process.acquire('a', { timeout: '10s' }));
    abort.abort();
    await world.settle();
    expect(wait.outcome?.status).toBe('rejected');
    const next = track(process.acquire('a', { timeout: '10s' }));
    await world.settle();
    expect(next.outcome).toBeUndefined();
  });

  it('maxWaiters is per key: a call is refused if the queue of one key is full, and queues for none of its keys', async () => {
    await process.acquire('b');
    for (const wait of times(2, () => track(process.acquire('b', { timeout: '1h' }))))
      expect(wait.outcome).toBeUndefined();
    await world.settle();
    const refused = track(process.acquire(['a', 'b', 'c'], { timeout: '10s' }));
    await world.settle();
    expect(refused.outcome).toMatchObject(queueFull);
    expect(refused.outcome).toMatchObject({ reason: { keys: ['a', 'b', 'c'] } });
    expect((refused.outcome as PromiseRejectedResult).reason).toHaveProperty(
      'message',
      expect.stringContaining('wait for "b"'),
    );
    expect(await process.tryAcquire(['a', 'c'])).not.toBeNull();
  });

  it('maxWaiters does not refuse calls that never wait, nor calls of the owner that holds the key', async () => {
    const mine = await process.acquire('a', { ownerId: 'me', expire: '1m' });
    times(2, () => track(process.acquire('a', { timeout: '1h' })));
    await world.settle();
    expect(await process.tryAcquire('a')).toBeNull();
    const impatient = track(process.acquire('a', { timeout: 0 }));
    const again = track(process.acquire('a', { ownerId: 'me', expire: '1m' }));
    const other = track(process.acquire('a', { ownerId: 'you', expire: '1m' }));
    await world.settle();
    expect(impatient.outcome).toMatchObject({ status: 'rejected', reason: { reason: 'held' } });
    expect(lockOf(again).held).toBe(true);
    expect(other.outcome).toMatchObject(queueFull);
    await mine.release();
  });

  it('a call may set a lower maxWaiters, or Infinity', async () => {
    await process.acquire('a');
    track(process.acquire('a', { timeout: '1h' }));
    await world.settle();
    const shy = track(process.acquire('a', { timeout: '1h', maxWaiters: 1 }));
    await world.settle();
    expect(shy.outcome).toMatchObject(queueFull);
    const waits = times(5, () => track(process.acquire('a', { timeout: '1h', maxWaiters: Infinity })));
    await world.settle();
    expect(waits.every(({ outcome }) => outcome === undefined)).toBe(true);
  });

  it.each([0, -1, 1.5, NaN, '3', null, {}])('maxWaiters of %p is refused', (maxWaiters) => {
    const bad = { maxWaiters: maxWaiters as number };
    expect(() => readEngineSettings(bad)).toThrow(LockConfigurationError);
    expect(() => readEngineSettings(bad)).toThrow(/^maxWaiters: .* must be a whole number from 1 on/);
    expect(() => process.acquire('a', bad)).toThrow(LockConfigurationError);
  });
});
