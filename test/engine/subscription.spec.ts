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

describe('the subscription of a process', () => {
  it('a process subscribes once, when a caller waits for the first time', async () => {
    await Promise.all(times(50, (index) => waiter.execute(`k${index}`, () => 'ran')));
    for (const key of ['a', 'c']) expect(await waiter.tryAcquire(key)).not.toBeNull();
    expect(await holder.tryAcquire('a')).toBeNull();
    expect([holder.wire.listened, waiter.wire.listened]).toEqual([0, 0]);
    track(holder.acquire('a', { timeout: '1h' }));
    track(holder.acquire('c', { timeout: '1h' }));
    track(holder.acquire(['a', 'b'], { timeout: '1h' }));
    await world.clock.advance('10s');
    expect(holder.wire.listened).toBe(1);
  });

  it('a process subscribes before it joins a queue: its first request does not queue', async () => {
    await holder.acquire('a');
    track(waiter.acquire('a'));
    await world.settle();
    const joins = waiter.wire.acquires.flat().map(({ queue, processId }) => queue && processId);
    expect(joins).toEqual([false, world.queue('a')[0]]);
  });

  it('a process that cannot subscribe waits without wake-ups, and tries again', async () => {
    waiter.wire.failsToListen = true;
    const lock = await holder.acquire('a');
    const wait = track(waiter.acquire('a', { timeout: '1h' }));
    await world.clock.advance('5s');
    expect(world.queue('a')).toEqual([]);
    await lock.release();
    await world.clock.advance('1s');
    expect(lockOf(wait).held).toBe(true);

    const tried = waiter.wire.listened;
    expect(tried).toBeLessThanOrEqual(2);
    waiter.wire.failsToListen = false;
    const next = await holder.tryAcquire('b');
    const again = track(waiter.acquire('b', { timeout: '1h' }));
    await world.clock.advance('15s');
    expect(waiter.wire.listened).toBe(tried + 1);
    expect(world.queue('b')).toHaveLength(1);
    await next?.release();
    await world.settle();
    expect(lockOf(again).held).toBe(true);
  });

  it('a process whose subscription breaks polls, and gets the lock within a second', async () => {
    const lock = await holder.acquire('a');
    const wait = track(waiter.acquire('a', { timeout: '1h' }));
    await world.clock.advance('100ms');
    expect(world.queue('a')).toHaveLength(1);
    waiter.wire.interrupt();
    await lock.release();
    await world.settle();
    expect(wait.outcome).toBeUndefined();
    await world.clock.advance('1s');
    expect(lockOf(wait).held).toBe(true);
    expect(waiter.wire.acquires.at(-1)![0]!.queue).toBe(false);
  });

  it('all waiters ask at once when the subscription is back, and receive wake-ups again', async () => {
    const lock = await holder.acquire('a');
    const wait = track(waiter.acquire('a', { timeout: '1h' }));
    await world.clock.advance('100ms');
    waiter.wire.interrupt();
    await world.clock.advance('20s');
    expect(wait.outcome).toBeUndefined();
    waiter.wire.restore();
    await world.settle();
    expect(world.queue('a')).toHaveLength(1);
    const before = waiter.wire.calls;
    await lock.release();
    await world.settle();
    expect(lockOf(wait).held).toBe(true);
    expect(waiter.wire.calls).toBe(before);
  });

  it('a process finds a grant that was made while its subscription was down', async () => {
    const lock = await holder.acquire('a');
    const wait = track(waiter.acquire('a', { timeout: '1h' }));
    await world.clock.advance('1100ms');
    waiter.wire.deaf = true;
    await lock.release();
    waiter.wire.interrupt();
    await world.settle();
    expect(wait.outcome).toBeUndefined();
    waiter.wire.deaf = false;
    waiter.wire.restore();
    await world.settle();
    expect(lockOf(wait).held).toBe(true);
  });

  it('a wait that ends while the subscription is down leaves no queue entry', async () => {
    const lock = await holder.acquire('a');
    const wait = track(waiter.acquire('a', { timeout: '2s' }));
    await world.clock.advance('500ms');
    expect(world.queue('a')).toHaveLength(1);
    waiter.wire.interrupt();
    await world.clock.advance('1500ms');
    expect(wait.outcome).toMatchObject({ reason: { code: 'LOCK_TIMEOUT' } });
    waiter.wire.restore();
    await lock.release();
    await world.settle();
    expect(world.queue('a')).toEqual([]);
    expect(await holder.tryAcquire('a')).not.toBeNull();
  });

  it('a wait that is cancelled while a request is under way leaves no queue entry', async () => {
    const lock = await holder.acquire('a');
    const abort = new AbortController();
    track(waiter.acquire('a', { timeout: '1h', signal: abort.signal }));
    await world.clock.advance('500ms');
    waiter.wire.interrupt();
    waiter.wire.fail('acquire', 'hold');
    await world.clock.advance('1s');
    abort.abort('enough');
    waiter.wire.mend();
    waiter.wire.letGo();
    await world.settle();
    waiter.wire.restore();
    await lock.release();
    await world.settle();
    expect(await holder.tryAcquire('a')).not.toBeNull();
  });
});
