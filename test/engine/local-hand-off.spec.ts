import { beforeEach, describe, expect, it } from '@jest/globals';
import type { AcquireOptions } from '../../lib/index.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, times, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;

beforeEach(() => {
  world = new SharedStore();
});

/** Lets the renewals of `process` fail until only `seconds` of its leases of 30 s are left. */
async function wearDownTo(process: StoreProcess, seconds: number): Promise<void> {
  process.wire.fail('extend', 'refuse');
  await world.clock.advance(30 - seconds);
  process.wire.mend();
}

describe('hand-off within the process', () => {
  it('callers of one process are served in order, with one acquire before the first and one release after the last', async () => {
    const process = world.process();
    const order: number[] = [];
    await Promise.all(times(20, (index) => process.execute('a', () => order.push(index))));
    expect(order).toEqual(times(20, (index) => index));
    expect(process.wire.acquires).toHaveLength(1);
    expect(process.wire.releases).toHaveLength(1);
    expect(process.wire.calls).toBe(2);
    expect(await world.observer.inspect(['a'])).toEqual([null]);
  });

  it('each holder of a shared lease gets a greater token from its token block', async () => {
    const [process, other] = [await world.listeningProcess(), world.process()];
    const tokens = await Promise.all(times(100, () => process.execute('a', ({ fencingToken }) => fencingToken)));
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    const { acquires, granted } = process.wire;
    expect(acquires.length).toBeLessThanOrEqual(4);
    for (const token of tokens) {
      const block = granted.filter((one) => one.token <= token && token < one.token + (one.request.tokens ?? 1));
      expect(block).toHaveLength(1);
    }
    expect((await other.acquire('a')).fencingToken).toBeGreaterThan(tokens.at(-1)!);
  });

  it('each holder of a shared lease has an owner id of its own, which the store need not know', async () => {
    const process = world.process();
    const [first, second] = times(2, () => track(process.acquire('a')));
    await world.settle();
    const { ownerId } = lockOf(first!);
    await lockOf(first!).release();
    await world.settle();
    expect(await process.engine.byKey.release(['a'], ownerId)).toBe(false);
    const { fencingToken } = lockOf(second!);
    expect(await process.engine.overview.inspect('a')).toMatchObject({
      ownerId: lockOf(second!).ownerId,
      fencingToken,
    });
    expect(lockOf(second!).ownerId).not.toBe(ownerId);
    expect(await process.engine.byKey.release(['a'], lockOf(second!).ownerId)).toBe(true);
    expect(world.store.get('a')).toBeUndefined();
  });

  it('hand-off within the process does not wait for a store that does not answer', async () => {
    const process = world.process();
    const waits = times(3, () => track(process.acquire('a')));
    await world.settle();
    for (const call of ['acquire', 'extend', 'release'] as const) process.wire.fail(call, 'delay');
    for (const [index, wait] of waits.entries()) {
      expect(waits.filter(({ outcome }) => outcome)).toHaveLength(index + 1);
      void lockOf(wait).release();
      await world.settle();
    }
  });

  it('a lease is renewed before its hand-off if less than a third of it is left', async () => {
    const process = await world.listeningProcess();
    const [first, second] = times(2, () => track(process.acquire('a', { timeout: '1h' })));
    await wearDownTo(process, 9.9);
    const asked = process.wire.extensions.length;
    process.wire.fail('extend', 'hold');
    expect(await lockOf(first!).release()).toBe(true);
    await world.settle();
    expect(process.wire.extensions.slice(asked)).toMatchObject([[{ keys: ['a'], ttl: 30_000 }]]);
    expect(second?.outcome).toBeUndefined();
    process.wire.letGo();
    await world.settle();
    expect(lockOf(second!).remaining).toBeGreaterThan(29_000);
    expect(process.wire.acquires).toHaveLength(1);
  });

  it('a lease is handed off at once while more than a third of it is left', async () => {
    const process = await world.listeningProcess();
    const [first, second] = times(2, () => track(process.acquire('a', { timeout: '1h' })));
    await wearDownTo(process, 10.5);
    const asked = process.wire.extensions.length;
    void lockOf(first!).release();
    await world.settle();
    expect(second?.outcome?.status).toBe('fulfilled');
    expect(process.wire.extensions).toHaveLength(asked);
    expect(process.wire.acquires).toHaveLength(1);
  });

  it.each(['refuse', 'gone'] as const)('asks anew when that renewal fails: %s', async (how) => {
    const process = await world.listeningProcess();
    const [first, second] = times(2, () => track(process.acquire('a', { timeout: '1h' })));
    await wearDownTo(process, 5);
    if (how === 'refuse') process.wire.fail('extend', 'refuse');
    else world.store.delete('a');
    void lockOf(first!).release();
    await world.settle();
    expect(second?.outcome).toMatchObject({ value: { held: true } });
    expect(process.wire.acquires).toHaveLength(2);
    expect(process.wire.granted[1]!.token).toBeGreaterThan(process.wire.granted[0]!.token);
  });

  it.each([
    ['', false],
    [', also where that fails at first', true],
  ])('a lease that was renewed for its hand-off is released if no waiter is left%s', async (_, fails) => {
    const process = await world.listeningProcess();
    const abort = new AbortController();
    const first = track(process.acquire('a', { timeout: '1h' }));
    track(process.acquire('a', { timeout: '1h', signal: abort.signal }));
    await wearDownTo(process, 5);
    process.wire.fail('extend', 'hold');
    void lockOf(first).release();
    await world.settle();
    abort.abort('enough');
    if (fails) process.wire.fail('release', 'refuse');
    process.wire.letGo();
    await world.settle();
    expect(world.store.get('a') !== undefined).toBe(fails);
    process.wire.mend();
    if (fails) await world.clock.advance('1s');
    expect(world.store.get('a')).toBeUndefined();
  });

  it('the previous caller goes on before the next job starts', async () => {
    const process = world.process();
    const order: string[] = [];
    const first = process.execute('a', () => order.push('first job')).then(() => order.push('after the first'));
    await Promise.all([first, process.execute('a', () => order.push('second job'))]);
    expect(order).toEqual(['first job', 'after the first', 'second job']);
  });

  it('a waiter whose signal aborts between its grant and its start is skipped', async () => {
    const process = world.process();
    const abort = new AbortController();
    const order: string[] = [];
    const first = process
      .execute('a', () => order.push('first'))
      .then(() => {
        abort.abort('too late');
      });
    const second = track(process.execute('a', () => order.push('second'), { signal: abort.signal }));
    await Promise.all([first, process.execute('a', () => order.push('third'))]);
    expect(order).toEqual(['first', 'third']);
    expect(second.outcome).toEqual({ status: 'rejected', reason: 'too late' });
    expect([world.store.keys(), process.wire.acquires.length]).toEqual([[], 1]);
  });

  it('an attempt asks for the lease of the second waiter after the first has cancelled', async () => {
    const [holder, process] = [world.process(), world.process()];
    const held = await holder.acquire('a');
    const first = new AbortController();
    track(process.acquire('a', { expire: '60s', renew: true, timeout: '1h', signal: first.signal }));
    const second = track(process.acquire('a', { expire: '6s', renew: true, timeout: '1h' }));
    await world.settle();
    first.abort();
    await world.settle();
    expect(process.wire.acquires.at(-1)).toMatchObject([{ ttl: 6000 }]);
    await held.release();
    await world.settle();
    expect(lockOf(second).remaining).toBeLessThan(6000);
  });

  it('a waiter that needs another kind of lease is not handed the present one, but asks the store in its turn', async () => {
    const process = world.process();
    const first = await process.acquire('a');
    const kinds: AcquireOptions[] = [{ expire: '7s' }, { ownerId: 'me' }, {}, { expire: '9s', renew: true }];
    const waits = kinds.map((kind) => track(process.acquire('a', kind)));
    const ttls: unknown[] = [];
    let holder = first;
    for (const wait of waits) {
      await holder.release();
      await world.settle();
      holder = lockOf(wait);
      ttls.push((await world.observer.inspect(['a']))[0]?.ttl);
    }
    expect(ttls).toEqual([7000, null, 30_000, 9000]);
    expect(process.wire.acquires).toHaveLength(5);
  });
});

describe('a call that does not wait', () => {
  it('tryAcquire of a key that this process holds makes no call', async () => {
    const process = world.process();
    await process.acquire('a');
    const before = process.wire.calls;
    expect(await process.tryAcquire('a')).toBeNull();
    expect(await process.tryAcquire(['a', 'b'])).toBeNull();
    expect(process.wire.calls).toBe(before);
  });

  it('tryAcquire of a key that has waiters in this process makes no call', async () => {
    const [process, other] = [world.process(), world.process()];
    await other.acquire('a');
    track(process.acquire('a'));
    await world.settle();
    const before = process.wire.calls;
    expect(await process.tryAcquire('a')).toBeNull();
    expect(process.wire.calls).toBe(before);
  });
});
