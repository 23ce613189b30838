import { beforeEach, describe, expect, it } from '@jest/globals';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, times, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let holder: StoreProcess;
let waiter: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  [holder, waiter] = [world.process(), world.process()];
});

describe('a wait for a key that another process holds', () => {
  it('a process that waits for keys makes one call a second, however many keys there are', async () => {
    const keys = times(50, (index) => `k${index}`);
    await Promise.all(keys.map((key) => holder.acquire(key, { ownerId: 'one' })));
    for (const key of keys) {
      track(waiter.acquire(key, { timeout: '1h' }));
      await world.clock.advance('17ms');
    }
    await world.clock.advance('3s');
    const { acquires } = waiter.wire;
    const before = acquires.length;
    await world.clock.advance('10s');
    expect(acquires.length - before).toBeGreaterThanOrEqual(9);
    expect(acquires.length - before).toBeLessThanOrEqual(11);
    const asked = acquires.at(-1)!;
    expect(asked.map(({ keys: [key] }) => key).sort()).toEqual([...keys].sort());
    expect(new Set(asked.map(({ queue, processId }) => `${String(queue)} ${processId}`)).size).toBe(1);
  });

  it('a repeated request says for how long its process has waited, but not after a request that failed', async () => {
    await holder.acquire('a', { ownerId: 'one' });
    track(waiter.acquire('a', { timeout: '1h' }));
    await world.clock.advance('1500ms');
    const { acquires } = waiter.wire;
    expect(acquires.at(-1)![0]!.waited).toBeGreaterThan(0);
    waiter.wire.fail('acquire', 'refuse');
    const before = acquires.length;
    while (acquires.length === before) await world.clock.advance('10ms');
    waiter.wire.mend();
    const failed = acquires.length;
    while (acquires.length === failed) await world.clock.advance('10ms');
    expect(acquires.at(-1)![0]!.waited).toBeUndefined();
  });

  it('500 waiters for one key cost as many calls as one', async () => {
    await holder.acquire('a');
    const waits = times(500, () => track(waiter.acquire('a', { timeout: '1h' })));
    await world.clock.advance('1s');
    const before = [holder.wire.calls, waiter.wire.calls];
    await world.clock.advance('60s');
    expect(waiter.wire.calls - before[1]!).toBeLessThanOrEqual(60);
    expect(holder.wire.calls - before[0]!).toBeLessThanOrEqual(6);
    expect(waiter.wire.acquires.at(-1)).toHaveLength(1);
    expect(waits.every(({ outcome }) => outcome === undefined)).toBe(true);
  });

  it('500 waiters cost as little if the holder is in their process', async () => {
    await waiter.acquire('a');
    times(500, () => track(waiter.acquire('a', { timeout: '1h' })));
    await world.clock.advance('1s');
    const before = waiter.wire.calls;
    await world.clock.advance('60s');
    expect(waiter.wire.calls - before).toBeLessThanOrEqual(66);
    expect(waiter.wire.acquires).toHaveLength(1);
  });

  it('a waiting process keeps its queue entry and its attempt id', async () => {
    await holder.acquire('a', { ownerId: 'one' });
    const third = world.process();
    track(waiter.acquire('a', { timeout: '1h' }));
    await world.settle();
    track(third.acquire('a', { timeout: '1h' }));
    await world.clock.advance('30s');
    expect(world.queue('a')).toHaveLength(2);
    const attempts = waiter.wire.acquires.flat().map(({ attemptId }) => attemptId);
    expect(attempts.length).toBeGreaterThan(25);
    expect(new Set(attempts).size).toBe(1);
    expect(attempts[0]!.startsWith(`${world.queue('a')[0]!}.`)).toBe(true);
  });

  it('a message ends the wait, without another request', async () => {
    const lock = await holder.acquire('a');
    const wait = track(waiter.acquire('a', { timeout: '1h' }));
    await world.clock.advance('300ms');
    const before = waiter.wire.calls;
    await lock.release();
    await world.settle();
    const { fencingToken } = lockOf(wait);
    expect(fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(waiter.wire.calls).toBe(before);
    expect(lockOf(wait).remaining).toBeLessThan(29_698);
  });

  it('a short lease that came by message is renewed in time, though most of it may be over', async () => {
    const lock = await holder.acquire('a', { expire: '1m' });
    const wait = track(waiter.acquire('a', { timeout: '1h', expire: '1500ms', renew: true }));
    await world.clock.advance('1500ms');
    const { acquires } = waiter.wire;
    const before = acquires.length;
    while (acquires.length === before) await world.clock.advance('10ms');
    await world.clock.advance('900ms');
    await lock.release();
    await world.settle();
    const { remaining } = lockOf(wait);
    expect(remaining).toBeLessThan(600);
    // A renewal that takes as long as a third of a lease still comes in time.
    await world.clock.advance(Math.ceil(remaining / 3) / 1000);
    expect(lockOf(wait).remaining).toBeGreaterThan(1400);
  });

  it('a lease that came by message and is nearly over is not trusted: the store is asked, and makes it last anew', async () => {
    const lock = await holder.acquire('a', { expire: '1m' });
    const wait = track(waiter.acquire('a', { timeout: '1h', expire: '1s' }));
    await world.clock.advance('1500ms');
    const { acquires } = waiter.wire;
    const before = acquires.length;
    while (acquires.length === before) await world.clock.advance('10ms');
    await world.clock.advance('900ms');
    expect(acquires).toHaveLength(before + 1);
    await lock.release();
    await world.settle();
    expect(acquires).toHaveLength(before + 2);
    expect(lockOf(wait).remaining).toBeGreaterThan(900);
  });

  it('the wait ends within a second if the message is lost', async () => {
    const lock = await holder.acquire('a');
    const wait = track(waiter.acquire('a', { timeout: '1h' }));
    await world.clock.advance('2500ms');
    waiter.wire.deaf = true;
    await lock.release();
    await world.settle();
    expect(wait.outcome).toBeUndefined();
    await world.clock.advance('1s');
    expect(lockOf(wait).held).toBe(true);
    expect(world.queue('a')).toEqual([]);
  });

  it('the wait ends as soon as a lease without renewal expires', async () => {
    await holder.acquire('a', { expire: '2500ms' });
    const waits = [track(waiter.acquire('a', { timeout: '1h' }))];
    await world.settle();
    waits.push(track(world.process().acquire('a', { timeout: '1h' })));
    await world.clock.advance('2499ms');
    expect(waits.map(({ outcome }) => outcome)).toEqual([undefined, undefined]);
    await world.clock.advance('10ms');
    expect(lockOf(waits[0]!).held).toBe(true);
    expect(waits[1]!.outcome).toBeUndefined();
  });

  it('a message tells the holder at once that its key was revoked', async () => {
    const process = await world.listeningProcess();
    const lock = await process.acquire('a');
    const { signal } = lock;
    await holder.engine.byKey.forceRelease(['a']);
    await world.settle();
    expect(signal.aborted).toBe(true);
    expect(process.wire.extensions).toEqual([]);
  });

  it('the holder learns within a second that its key was revoked, even without a message', async () => {
    const lock = await waiter.acquire('a');
    const { signal } = lock;
    const wait = track(waiter.acquire('a', { timeout: '1h' }));
    await world.settle();
    waiter.wire.deaf = true;
    await holder.engine.byKey.forceRelease(['a']);
    await world.clock.advance('1s');
    expect(signal.aborted).toBe(true);
    await world.settle();
    expect(lockOf(wait).held).toBe(true);
  });
});

describe('a grant that arrives after its waiter has cancelled', () => {
  it.each(['before the next request', 'while a request is under way', 'when the message is lost'])(
    'the key goes to the next process at once: the waiter cancels %s',
    async (when) => {
      const third = world.process();
      const lock = await holder.acquire('a');
      const abort = new AbortController();
      track(waiter.acquire('a', { timeout: '1h', signal: abort.signal }));
      await world.settle();
      const next = track(third.acquire('a', { timeout: '1h' }));
      await world.clock.advance('100ms');
      if (when === 'while a request is under way') {
        waiter.wire.fail('acquire', 'hold');
        await world.clock.advance('1s');
      }
      if (when === 'when the message is lost') waiter.wire.deaf = true;
      const released = lock.release();
      // In the same turn of the event loop, while the message is on its way.
      await Promise.resolve();
      abort.abort('enough');
      await released;
      waiter.wire.letGo();
      await world.settle();
      expect(lockOf(next).held).toBe(true);
      expect(world.queue('a')).toEqual([]);
    },
  );

  it('the key goes to another waiter of the same process without a call', async () => {
    const lock = await holder.acquire('a');
    const abort = new AbortController();
    track(waiter.acquire('a', { timeout: '1h', signal: abort.signal }));
    const next = track(waiter.acquire('a', { timeout: '1h' }));
    await world.clock.advance('100ms');
    const before = waiter.wire.calls;
    abort.abort('enough');
    await lock.release();
    await world.settle();
    expect(lockOf(next).held).toBe(true);
    expect(waiter.wire.calls).toBe(before);
  });
});
