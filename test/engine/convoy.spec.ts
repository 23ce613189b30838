import { beforeEach, describe, expect, it } from '@jest/globals';
import { FaultyStore, track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, times, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;

beforeEach(() => {
  world = new SharedStore();
});

/** Starts a caller that acquires `keys` again and again, each time for `milliseconds`, and counts its grants. */
function keepTaking(process: StoreProcess, keys: string | string[], milliseconds: number): { count: number } {
  const taken = { count: 0 };
  const work = (): Promise<void> => {
    taken.count += 1;
    return new Promise((resolve) => world.clock.setTimer(resolve, milliseconds));
  };
  const run = async (): Promise<void> => {
    for (;;) await process.execute(keys, work, { timeout: '1h' });
  };
  void run();
  return taken;
}

describe('callers of key a, while a caller of a and z waits for z, which is held for long', () => {
  it.each([
    ['in other processes', 4],
    ['in the same process', 1],
  ])('callers of one key keep their throughput while a caller of two keys waits %s', async (_, count) => {
    const [several, ...others] = times(4, () => world.process());
    const holder = world.process();
    await holder.acquire('z', { ownerId: 'x' });
    const singles = times(4, (index) => keepTaking(count === 1 ? several! : others[index % 3]!, 'a', 6));
    await world.tick(2000);
    const before = singles.reduce((sum, { count }) => sum + count, 0);
    const waits = times(3, () => track(several!.acquire(['a', 'z'], { timeout: '1h' })));
    await world.tick(2000);
    const after = singles.reduce((sum, { count }) => sum + count, 0) - before;
    expect(waits.map(({ outcome }) => outcome)).toEqual([undefined, undefined, undefined]);
    expect(before).toBeGreaterThan(250);
    expect(after).toBeGreaterThan(0.9 * before);
  });

  it('callers of one key keep their throughput while callers of two keys come and go in several processes', async () => {
    const processes = times(4, () => world.process());
    await world.process().acquire('z', { ownerId: 'x' });
    const singles = times(4, (index) => keepTaking(processes[index]!, 'a', 6));
    await world.tick(1000);
    const before = singles.reduce((sum, { count }) => sum + count, 0);
    const tries = async (process: StoreProcess): Promise<void> => {
      for (;;) await process.acquire(['a', 'z'], { timeout: '100ms' }).catch(() => undefined);
    };
    for (const process of processes) void tries(process);
    await world.tick(1000);
    const after = singles.reduce((sum, { count }) => sum + count, 0) - before;
    expect(after).toBeGreaterThan(before / 2);
  });

  it('the caller of both keys goes first as soon as the other key is free', async () => {
    const processes = times(3, () => world.process());
    const z = await world.process().acquire('z', { ownerId: 'x' });
    for (const process of processes) keepTaking(process, 'a', 6);
    const both = track(processes[0]!.acquire(['a', 'z'], { timeout: '1h' }));
    await world.tick(3000);
    await z.release();
    await world.tick(100);
    expect(lockOf(both).held).toBe(true);
  });

  it('a waiter of one key gets it at once when the caller of both keys cancels', async () => {
    const [several, other] = times(2, () => world.process());
    const [a, z] = [await other!.acquire('a', { ownerId: 'x' }), await other!.acquire('z', { ownerId: 'x' })];
    const abort = new AbortController();
    track(several!.acquire(['a', 'z'], { timeout: '1h', signal: abort.signal }));
    await world.clock.advance('10s');
    await a.release();
    const next = track(other!.acquire('a', { timeout: '1h' }));
    await world.clock.advance('100ms');
    expect(next.outcome).toBeUndefined();
    abort.abort('enough');
    await world.settle();
    await lockOf(next).release();
    await z.release();
    await world.clock.advance('1m');
    expect([world.store.keys(), world.clock.pendingTimers]).toEqual([[], 0]);
  });
});

describe('starvation of a caller of several keys', () => {
  it.each([6, 300, 2000])(
    'a caller of two keys is not starved by callers of each key in other processes that hold it for %i ms',
    async (milliseconds) => {
      const processes = times(4, () => world.process());
      for (const key of ['a', 'z']) for (const process of processes.slice(1)) keepTaking(process, key, milliseconds);
      await world.tick(20);
      const both = keepTaking(processes[0]!, ['a', 'z'], 1);
      await world.tick(milliseconds * 50);
      expect(both.count).toBeGreaterThanOrEqual(2);
    },
  );

  it.each([6, 300])(
    'a caller of two keys is not starved by callers of each key in its own process that hold it for %i ms',
    async (milliseconds) => {
      const process = world.process();
      for (const key of ['a', 'z']) times(3, () => keepTaking(process, key, milliseconds));
      await world.tick(20);
      const both = keepTaking(process, ['a', 'z'], 1);
      await world.tick(milliseconds * 40);
      expect(both.count).toBeGreaterThanOrEqual(2);
    },
  );

  it('callers whose sets of keys overlap are all served', async () => {
    const processes = times(3, () => world.process());
    const sets = [['a', 'b'], ['b', 'c'], ['a', 'c'], ['a', 'b', 'c'], ['c'], ['a']];
    const taken = processes.flatMap((process) => sets.map((keys) => keepTaking(process, keys, 5)));
    await world.tick(4000);
    const least = Math.min(...taken.map(({ count }) => count));
    expect(least).toBeGreaterThanOrEqual(3);
  });

  it('a caller of two keys is not starved on a store without queues, though both keys are never free together', async () => {
    const faulty = new FaultyStore();
    const [several, ...others] = times(3, () => faulty.engine());
    const pass = (milliseconds: number): Promise<void> =>
      new Promise((resolve) => faulty.clock.setTimer(resolve, milliseconds));
    const run = async (key: string, engine: (typeof others)[number]): Promise<void> => {
      for (;;) {
        await engine.execute(key, () => pass(60), { timeout: '1h' });
        await pass(20);
      }
    };
    void run('a', others[0]!);
    await faulty.clock.advance('40ms');
    void run('z', others[1]!);
    await faulty.clock.advance('10ms');
    const options = several!.engine.resolve({ timeout: '1h' }, 'handle');
    const both = track(several!.engine.acquire(['a', 'z'], options));
    for (let step = 0; step < 60_000 && !both.outcome; step += 5) await faulty.clock.advance('5ms');
    expect(both.outcome?.status).toBe('fulfilled');
  });
});

describe('a caller of several keys that later callers may pass', () => {
  it('a caller of several keys counts as a waiter of each, but not for maxWaiters of callers that may pass it', async () => {
    const process = world.process();
    const z = await process.acquire('z');
    const waits = times(3, () => track(process.acquire(['a', 'z'], { timeout: '1h' })));
    await world.settle();
    const a = await process.acquire('a', { maxWaiters: 1, timeout: '1s' });
    expect(await process.engine.overview.inspect('a')).toMatchObject({ waiters: 3 });
    expect(await process.engine.overview.inspect('z')).toMatchObject({ waiters: 3 });
    await a.release();
    await z.release();
    for (const wait of waits) {
      await world.settle();
      await lockOf(wait).release();
    }
    await world.settle();
    expect([world.store.keys(), world.clock.pendingTimers]).toEqual([[], 0]);
  });

  it('callers of the same several keys are served in their order', async () => {
    const process = world.process();
    const z = await process.acquire('z');
    const order: number[] = [];
    const jobs = times(5, (index) => process.execute(['a', 'z'], () => order.push(index), { timeout: '1h' }));
    await world.clock.advance('1s');
    await z.release();
    await Promise.all(jobs);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });
});
