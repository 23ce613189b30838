import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockEngine } from '../../lib/engine/lock-engine.js';
import { readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import { InMemoryLockingProvider, LockBackendError, type LeaseRequest, type ReleaseRequest } from '../../lib/index.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, times, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  process = world.process();
});

const keys = times(40, (index) => `k${index}`);

describe('the requests of one turn of the event loop', () => {
  it('requests of one turn go out as one call', async () => {
    const locks = await Promise.all(keys.map((key) => process.acquire(key)));
    expect(process.wire.acquires.map((batch) => batch.flatMap((request) => request.keys))).toEqual([keys]);
    await Promise.all(locks.map((lock) => lock.release()));
    expect(process.wire.releases.map((batch) => batch.flatMap((request) => request.keys))).toEqual([keys]);
    expect(process.wire.calls).toBe(2);
  });

  it('a request without others in its turn goes out alone', async () => {
    for (const key of keys.slice(0, 3)) await (await process.acquire(key)).release();
    expect(process.wire.acquires.map((batch) => batch.length)).toEqual([1, 1, 1]);
    expect(process.wire.releases.map((batch) => batch.length)).toEqual([1, 1, 1]);
  });

  it('a batch is sent before its turn of the event loop is over', async () => {
    const acquiring = process.acquire('a');
    await Promise.resolve();
    expect(process.wire.acquires).toHaveLength(1);
    await acquiring;
  });

  it('releases are sent before attempts', async () => {
    const lock = await process.acquire('a', { ownerId: 'one' });
    const waiting = track(process.acquire('b'));
    const released = lock.release();
    const next = track(process.acquire('a', { ownerId: 'two' }));
    await released;
    await world.settle();
    expect(lockOf(next).held && lockOf(waiting).held).toBe(true);
    expect(process.wire.acquires.flat()).toHaveLength(3);
  });

  it('a request of a batch is refused alone', async () => {
    const other = world.process();
    await other.acquire('k1');
    const attempts = await Promise.all(['k0', 'k1', 'k2'].map((key) => process.tryAcquire(key)));
    expect(attempts.map((lock) => lock !== null)).toEqual([true, false, true]);
    expect(process.wire.acquires).toHaveLength(1);
  });

  it('a request that is cancelled in its own turn is never sent', async () => {
    const abort = new AbortController();
    const given = track(process.acquire('a', { signal: abort.signal }));
    const kept = track(process.acquire('b'));
    abort.abort('enough');
    await world.settle();
    expect(given.outcome).toEqual({ status: 'rejected', reason: 'enough' });
    expect(lockOf(kept).held).toBe(true);
    expect(process.wire.acquires.flat().map((request) => request.keys)).toEqual([['b']]);
    expect(process.wire.releases).toEqual([]);
  });

  it('callers of one key share one request', async () => {
    const waits = times(10, () => track(process.acquire('a')));
    await world.settle();
    expect(process.wire.acquires).toMatchObject([[{ keys: ['a'] }]]);
    expect(process.wire.acquires[0]![0]!.tokens).toBeGreaterThanOrEqual(10);
    expect(waits.filter(({ outcome }) => outcome)).toHaveLength(1);
  });
});

describe('a store with a pipelinedBatch', () => {
  const calls: string[] = [];
  let isBroken = false;

  class PipelinedProvider extends InMemoryLockingProvider {
    readonly pipelinedBatch = 3;

    override acquireBatch(requests: readonly LeaseRequest[]) {
      calls.push(`acquire ${requests.map(({ keys: names }) => names.join()).join(' ')}`);
      if (isBroken) throw new Error('broken');
      return super.acquireBatch(requests);
    }

    override releaseBatch(requests: readonly ReleaseRequest[]) {
      calls.push(`release ${requests.map(({ keys: names }) => names.join()).join(' ')}`);
      return super.releaseBatch(requests);
    }
  }

  beforeEach(() => {
    calls.length = 0;
    isBroken = false;
    process = Object.assign(Object.create(process) as StoreProcess, {
      engine: new LockEngine(new PipelinedProvider({ store: world.store }), readEngineSettings({}), world.clock),
    });
  });

  it('is sent so many acquires before the turn is over, and the rest after', async () => {
    const waits = times(8, (index) => track(process.acquire(`k${index}`)));
    expect(calls).toEqual(['acquire k0 k1 k2', 'acquire k3 k4 k5']);
    await world.settle();
    expect(calls.slice(2)).toEqual(['acquire k6 k7']);
    expect(waits.map((wait) => lockOf(wait).held)).toEqual(waits.map(() => true));
  });

  it('hears of the releases of the turn first', async () => {
    const lock = await process.acquire('a', { ownerId: 'one' });
    calls.length = 0;
    const released = lock.release();
    const next = [
      track(process.acquire('a', { ownerId: 'two' })),
      ...times(2, (index) => track(process.acquire(`k${index}`))),
    ];
    expect(calls).toEqual(['release a', 'acquire a k0 k1']);
    expect(await released).toBe(true);
    await world.settle();
    expect(next.map((wait) => lockOf(wait).held)).toEqual([true, true, true]);
  });

  it('fails a call that it cannot make only after the turn', async () => {
    isBroken = true;
    const waits = times(3, (index) => track(process.acquire(`k${index}`)));
    const late = track(process.acquire('k0'));
    await world.settle();
    for (const { outcome } of [...waits, late]) expect(outcome).toMatchObject({ reason: expect.any(LockBackendError) });
    isBroken = false;
    expect(await process.tryAcquire('k0')).not.toBeNull();
  });
});
