import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, times, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  process = world.process();
});

describe('a signal that many callers share', () => {
  it('a signal of many callers has one listener, which goes with the last caller', async () => {
    const { signal } = new AbortController();
    const [add, remove] = [jest.spyOn(signal, 'addEventListener'), jest.spyOn(signal, 'removeEventListener')];
    const lock = await process.acquire('a');
    const waits = times(50, () => track(process.acquire('a', { timeout: '1h', signal })));
    expect(add).toHaveBeenCalledTimes(1);
    await lock.release();
    for (const wait of waits) {
      await world.settle();
      expect(remove).toHaveBeenCalledTimes(wait === waits.at(-1) ? 1 : 0);
      await lockOf(wait).release();
    }
    await world.settle();
    expect(remove).toHaveBeenCalledTimes(1);
    track(process.acquire('a', { timeout: '1h', signal }));
    expect(add).toHaveBeenCalledTimes(2);
  });

  it('a signal ends all waits of its callers, and no others', async () => {
    const [one, other] = [new AbortController(), new AbortController()];
    await process.acquire('a');
    const waits = times(20, (index) =>
      track(process.acquire('a', { timeout: '1h', signal: (index % 2 ? one : other).signal })),
    );
    await world.settle();
    one.abort(new Error('enough'));
    await world.settle();
    waits.forEach(({ outcome }, index) => {
      if (index % 2) expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
      else expect(outcome).toBeUndefined();
    });
  });
});

describe('many requests of one turn', () => {
  it('any requests of one turn may be cancelled before they are sent; the others arrive', async () => {
    const aborts = times(100, () => new AbortController());
    const waits = aborts.map(({ signal }, index) => track(process.acquire(`k${index}`, { signal })));
    aborts.forEach((abort, index) => {
      if (index % 3 > 0) abort.abort();
    });
    await world.settle();
    waits.forEach(({ outcome }, index) => {
      expect(outcome?.status).toBe(index % 3 > 0 ? 'rejected' : 'fulfilled');
    });
    expect([...world.store.keys()].sort()).toEqual(times(34, (index) => `k${3 * index}`).sort());
  });

  it('nothing is sent if all requests of a turn are cancelled', async () => {
    const abort = new AbortController();
    const waits = times(10, (index) => track(process.acquire(`k${index}`, { signal: abort.signal })));
    const calls = process.wire.calls;
    abort.abort();
    await world.settle();
    expect(waits.every(({ outcome }) => outcome?.status === 'rejected')).toBe(true);
    expect(process.wire.calls).toBe(calls);
    expect(world.clock.pendingTimers).toBe(0);
  });
});
