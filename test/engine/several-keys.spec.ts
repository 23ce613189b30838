import { beforeEach, describe, expect, it } from '@jest/globals';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, times, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let processes: StoreProcess[];

beforeEach(() => {
  world = new SharedStore();
  processes = times(3, () => world.process());
});

/** Acquires `key` again and again, each time for `milliseconds`, until the returned function is called. */
function keepBusy(process: StoreProcess, key: string, milliseconds: number): () => void {
  let stopped = false;
  const work = (): Promise<unknown> =>
    new Promise((resolve) => world.clock.setTimer(() => resolve(undefined), milliseconds));
  const run = async (): Promise<void> => {
    while (!stopped) await process.execute(key, work, { timeout: '1h' });
  };
  // Two callers, so that one of them always waits.
  void run();
  void run();
  return () => {
    stopped = true;
  };
}

async function owners(...keys: string[]): Promise<(string | undefined)[]> {
  return (await world.observer.inspect(keys)).map((stored) => stored?.ownerId);
}

describe('a lock of several keys', () => {
  it('several free keys are acquired in one request', async () => {
    const [process] = processes;
    const lock = await process!.acquire(['a', 'b', 'c']);
    expect(process!.wire.acquires).toMatchObject([[{ keys: ['a', 'b', 'c'] }]]);
    await lock.release();
    expect(process!.wire.calls).toBe(2);
  });

  it('a caller gets two keys although callers of each key in other processes never leave both free', async () => {
    const [several, one, two] = processes;
    const stop = [keepBusy(one!, 'a', 70), keepBusy(two!, 'b', 70)];
    await world.tick(35);
    const wait = track(several!.acquire(['a', 'b'], { timeout: '1h' }));
    await world.tick(1000);
    const lock = lockOf(wait);
    expect(await owners('a', 'b')).toEqual([lock.ownerId, lock.ownerId]);
    for (const end of stop) end();
    await lock.release();
    await world.tick(300);
    expect(await owners('a', 'b')).toEqual([undefined, undefined]);
  });

  it('held keys are acquired one by one, by all callers in the same order', async () => {
    const [one, two, three] = processes;
    const [a, b] = [await three!.acquire('a', { ownerId: 'x' }), await three!.acquire('b', { ownerId: 'x' })];
    const first = track(one!.acquire(['b', 'a'], { timeout: '1h' }));
    await world.settle();
    const second = track(two!.acquire(['a', 'b'], { timeout: '1h' }));
    await world.settle();
    expect([world.queue('a').length, world.queue('b').length]).toEqual([2, 0]);
    await b.release();
    await world.settle();
    expect(await owners('b')).toEqual([undefined]);
    await a.release();
    await world.settle();
    const lock = lockOf(first);
    expect(await owners('a', 'b')).toEqual([lock.ownerId, lock.ownerId]);
    expect(second.outcome).toBeUndefined();
    await lock.release();
    await world.settle();
    expect(lockOf(second).keys).toEqual(['a', 'b']);
  });

  it('a caller that waits for another key does not keep a lease that earlier callers have left', async () => {
    const [process, other] = [await world.listeningProcess(), ...processes];
    const abort = new AbortController();
    const first = track(process.acquire('b'));
    const next = track(process.acquire('b', { timeout: '1h', signal: abort.signal }));
    const a = await process.acquire('a');
    process.wire.fail('extend', 'refuse');
    await world.clock.advance('25s');
    process.wire.fail('extend', 'hold');
    await lockOf(first).release();
    const several = track(process.acquire(['a', 'b'], { timeout: '1h' }));
    abort.abort();
    await world.settle();
    process.wire.letGo();
    await world.settle();
    expect(next.outcome?.status).toBe('rejected');
    expect(several.outcome).toBeUndefined();
    expect(await other!.tryAcquire('b')).not.toBeNull();
    expect(a.held).toBe(true);
  });

  it('the fixed length of a lock of several keys begins when the last key is granted', async () => {
    const [one, two] = processes;
    const [a, b] = [await two!.acquire('a', { ownerId: 'x' }), await two!.acquire('b', { ownerId: 'x' })];
    const fixed = track(one!.acquire(['a', 'b'], { expire: '3s', timeout: '1h' }));
    await world.clock.advance('60700ms');
    await a.release();
    await world.clock.advance('5s');
    expect(fixed.outcome).toBeUndefined();
    expect((await owners('a'))[0]).toBeDefined();
    await b.release();
    await world.settle();
    expect(lockOf(fixed).remaining).toBeGreaterThan(2900);
    await world.clock.advance('3s');
    expect(lockOf(fixed).held).toBe(false);
    expect(await owners('a', 'b')).toEqual([undefined, undefined]);
  });

  it('a caller of several keys starts over if it loses one of them while it waits', async () => {
    const [one, two] = processes;
    const [a, b] = [await two!.acquire('a', { ownerId: 'x' }), await two!.acquire('b', { ownerId: 'x' })];
    const wait = track(one!.acquire(['a', 'b'], { timeout: '1h' }));
    await world.clock.advance('10s');
    await a.release();
    await world.clock.advance('1s');
    expect((await owners('a'))[0]).toBeDefined();
    await two!.engine.byKey.forceRelease(['a']);
    await b.release();
    await world.clock.advance('2s');
    const lock = lockOf(wait);
    expect(lock.held).toBe(true);
    expect(await owners('a', 'b')).toEqual([lock.ownerId, lock.ownerId]);
  });
});

it('a named owner that has waited for another key gets the key that it already holds before other waiters', async () => {
  const [process] = processes;
  const a = await process!.acquire('a', { ownerId: 'y' });
  const first = await process!.acquire('b', { ownerId: 'x' });
  const next = track(process!.acquire('b', { timeout: '1h' }));
  await world.settle();
  const both = track(process!.acquire(['a', 'b'], { ownerId: 'x', timeout: '1h' }));
  await world.clock.advance('3s');
  await a.release();
  await world.clock.advance('3s');
  const lock = lockOf(both);
  expect([lock.held, next.outcome]).toEqual([true, undefined]);
  await lock.release();
  await first.release();
  await world.settle();
  await lockOf(next).release();
  await world.settle();
  expect([world.store.keys(), world.clock.pendingTimers]).toEqual([[], 0]);
});

it('a named owner that had to queue for another key does not wait behind the waiters for its own key', async () => {
  const [process] = processes;
  const a = await process!.acquire('a', { ownerId: 'y' });
  const first = await process!.acquire('b', { ownerId: 'x' });
  const before = track(process!.acquire('a', { ownerId: 'z', timeout: '1h' }));
  const next = track(process!.acquire('b', { timeout: '1h' }));
  await world.settle();
  const both = track(process!.acquire(['a', 'b'], { ownerId: 'x', timeout: '1h' }));
  await world.clock.advance('100ms');
  await a.release();
  await world.clock.advance('100ms');
  await lockOf(before).release();
  await world.clock.advance('100ms');
  const lock = lockOf(both);
  expect([lock.held, next.outcome]).toEqual([true, undefined]);
  await lock.release();
  await first.release();
  await world.settle();
  await lockOf(next).release();
  await world.settle();
  expect([world.store.keys(), world.clock.pendingTimers]).toEqual([[], 0]);
});

it('a caller of several keys is served although it gives up one key while it asks for the others', async () => {
  const [process, other] = processes;
  const c = await other!.acquire('c', { ownerId: 'x' });
  const all = track(process!.acquire(['a', 'b', 'c'], { timeout: '1h' }));
  await world.clock.advance('10s');
  const b = await process!.acquire('b');
  await c.release();
  await world.clock.advance('4900ms');
  expect(await owners('c')).not.toEqual([undefined]);
  process!.wire.fail('acquire', 'delay');
  await b.release();
  const next = track(process!.acquire('a', { timeout: '1h' }));
  await world.clock.advance('1s');
  process!.wire.mend();
  process!.wire.letGo();
  await world.clock.advance('2s');
  await lockOf(all).release();
  await world.settle();
  await lockOf(next).release();
  await world.settle();
  expect([world.store.keys(), world.clock.pendingTimers]).toEqual([[], 0]);
});

describe('a lock of several keys whose release fails', () => {
  it('the release of several keys is repeated until the store has answered', async () => {
    const [process] = processes;
    const lock = await process!.acquire(['a', 'b']);
    process!.wire.fail('release', 'refuse');
    await expect(lock.release()).rejects.toMatchObject({ code: 'LOCK_BACKEND' });
    await world.clock.advance('2s');
    expect(await owners('a', 'b')).toEqual([lock.ownerId, lock.ownerId]);
    process!.wire.mend();
    await world.clock.advance('1s');
    expect(await owners('a', 'b')).toEqual([undefined, undefined]);
  });
});

describe('a wait for several keys that ends without them', () => {
  const ends = {
    'by its timeout': async () => world.clock.advance('3s'),
    'by its signal': async (abort: AbortController) => abort.abort('enough'),
    'by the end of the process': async () => processes[0]!.engine.close(),
  };

  it.each(Object.entries(ends))(
    'a wait for several keys leaves nothing held and no queue entry: ended %s',
    async (_, end) => {
      const [one, two, three] = processes;
      const b = await two!.acquire('b', { ownerId: 'x' });
      const abort = new AbortController();
      const wait = track(one!.acquire(['a', 'b', 'c'], { timeout: '3s', signal: abort.signal }));
      await world.settle();
      const next = track(three!.acquire('a', { timeout: '1h' }));
      await world.clock.advance('500ms');
      expect(world.queue('b')).toHaveLength(1);
      await end(abort);
      await world.settle();
      expect(wait.outcome?.status).toBe('rejected');
      expect(lockOf(next).held).toBe(true);
      expect(world.queue('b')).toEqual([]);
      expect(await owners('b', 'c')).toEqual(['x', undefined]);
      await b.release();
      expect(await owners('b')).toEqual([undefined]);
    },
  );

  it('a key that is kept for a wait for several keys is released when the wait ends', async () => {
    const [one, two] = processes;
    const [b] = [await two!.acquire('b', { ownerId: 'x' }), await two!.acquire('c', { ownerId: 'y' })];
    const abort = new AbortController();
    track(one!.acquire(['b', 'c'], { timeout: '1h', signal: abort.signal }));
    await world.clock.advance('40s');
    await b.release();
    await world.settle();
    expect(await owners('b', 'c')).toEqual([expect.any(String), 'y']);
    abort.abort('enough');
    await world.settle();
    expect(await owners('b', 'c')).toEqual([undefined, 'y']);
  });

  it('a key that is granted while a wait for several keys ends is released', async () => {
    const [one, two] = processes;
    const b = await two!.acquire('b', { ownerId: 'x' });
    const abort = new AbortController();
    track(one!.acquire(['a', 'b'], { timeout: '1h', signal: abort.signal }));
    await world.clock.advance('500ms');
    const released = b.release();
    await Promise.resolve();
    abort.abort('enough');
    await released;
    await world.settle();
    expect(await owners('a', 'b')).toEqual([undefined, undefined]);
    await world.clock.advance('1m');
    expect(world.clock.pendingTimers).toBe(0);
  });
});
