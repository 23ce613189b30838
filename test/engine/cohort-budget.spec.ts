import { beforeEach, describe, expect, it } from '@jest/globals';
import { deferred } from '../support/deferred.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, times } from '../support/shared-store.js';

let world: SharedStore;

beforeEach(() => {
  world = new SharedStore();
});

/** A job of 6 ms. */
const work = (order: string[], name: string) => async (): Promise<void> => {
  order.push(name);
  await new Promise((resolve) => world.clock.setTimer(() => resolve(undefined), 6));
};

describe('while another process waits', () => {
  it('the holding process learns of it at once, and hands off within itself for 20 ms at most', async () => {
    const [busy, other] = [await world.listeningProcess(), world.process()];
    const order: string[] = [];
    const jobs = times(12, (index) => track(busy.execute('a', work(order, `busy ${index}`), { timeout: '1h' })));
    await world.clock.advance('7ms');
    // Another process waits from 7 ms on: grants at 12, 18 and 24 ms are within the budget, one at 30 ms is not.
    track(other.execute('a', work(order, 'other'), { timeout: '1h' }));
    await world.clock.advance('200ms');
    expect(jobs.every(({ outcome }) => outcome?.status === 'fulfilled')).toBe(true);
    expect(order.indexOf('other')).toBe(5);
  });

  it('the holding process makes 32 more grants at most, and then queues behind the waiting process', async () => {
    const [busy, other] = [world.process(), world.process()];
    const order: string[] = [];
    const pause = deferred();
    const jobs = times(600, (index) =>
      busy.execute('a', async () => {
        order.push('busy');
        if (index === 250) await pause.promise;
      }),
    );
    await world.settle();
    expect(order).toHaveLength(251);
    jobs.push(...times(3, () => other.execute('a', () => void order.push('other'))));
    await world.settle();
    expect(world.queue('a')).toHaveLength(1);
    pause.resolve();
    await Promise.all(jobs);
    const handedOff = order.indexOf('other');
    expect(handedOff).toBeGreaterThan(251);
    expect(handedOff - 251).toBeLessThanOrEqual(32);
    expect(order.slice(handedOff, handedOff + 3)).toEqual(['other', 'other', 'other']);
    expect(order).toHaveLength(603);
  });

  it('the first waiter gets a lease although its renewal has used up the budget of 20 ms', async () => {
    const [holder, waiting, third] = [world.process(), world.process(), world.process()];
    const held = await holder.acquire('a', { expire: '6s' });
    const wait = track(waiting.acquire('a', { expire: '300ms', renew: true, timeout: '1h' }));
    await world.settle();
    track(third.acquire('a', { timeout: '1h' }));
    await world.settle();
    // Granted by message, the lease counts from the last "not yet": less than a third of it is left, so it is renewed first.
    waiting.wire.fail('extend', 'delay');
    const acquires = waiting.wire.acquires.length;
    await world.clock.advance('230ms');
    await held.release();
    await world.clock.advance('30ms');
    waiting.wire.mend();
    waiting.wire.letGo('extend');
    await world.settle();
    expect(lockOf(wait).held).toBe(true);
    expect([waiting.wire.extensions.length, waiting.wire.acquires.length]).toEqual([1, acquires]);
  });

  it.each([
    [undefined, 32],
    [5, 5],
    [100, 100],
  ])('busy processes take turns (the store asks for %p grants in a row, so it is %i at most)', async (asked, most) => {
    const order: number[] = [];
    const processes = times(3, () => world.process({}, asked));
    const jobs = processes.flatMap((process, number) =>
      times(6 * most, () => process.execute('a', () => void order.push(number), { timeout: '1h' })),
    );
    await Promise.all(jobs);
    const runs: { number: number; length: number }[] = [];
    for (const number of order) {
      if (runs.at(-1)?.number === number) runs.at(-1)!.length += 1;
      else runs.push({ number, length: 1 });
    }
    // The first run may begin before another process waits.
    const longest = Math.max(...runs.map(({ length }) => length));
    expect([most, most + 1]).toContain(longest);
    expect(runs.length).toBeGreaterThan(15);
    const rounds = runs.slice(0, 15).map(({ number }) => number);
    expect(rounds.slice(3)).toEqual(rounds.slice(0, -3));
    expect(order).toHaveLength(18 * most);
  });

  it('a lease has its budget from the start if another process already waits behind', async () => {
    const [holder, busy, last] = times(3, () => world.process());
    const lock = await holder!.acquire('a');
    const order: string[] = [];
    const jobs = times(60, () => busy!.execute('a', () => void order.push('busy')));
    await world.settle();
    jobs.push(last!.execute('a', () => void order.push('last')));
    await world.settle();
    await lock.release();
    await Promise.all(jobs);
    expect(order.indexOf('last')).toBeGreaterThan(0);
    expect(order.indexOf('last')).toBeLessThanOrEqual(32);
  });

  it('a released lock goes to the next process if its own process has no waiter', async () => {
    const [holder, other, third] = times(3, () => world.process());
    const lock = await holder!.acquire('a');
    const waits = [track(other!.acquire('a')), track(third!.acquire('a'))];
    await world.settle();
    expect(world.queue('a')).toHaveLength(2);
    const release = lock.release();
    const again = track(holder!.acquire('a'));
    await release;
    await world.settle();
    expect(waits.map(({ outcome }) => outcome?.status)).toEqual(['fulfilled', undefined]);
    await lockOf(waits[0]!).release();
    await world.settle();
    expect(again.outcome).toBeUndefined();
    await lockOf(waits[1]!).release();
    await world.settle();
    expect(lockOf(again).held).toBe(true);
  });
});

describe('while no other process waits', () => {
  it('hand-off within the process has no limit of time', async () => {
    const process = await world.listeningProcess();
    const jobs = times(32, (index) => track(process.execute('a', work([], `job ${index}`), { timeout: '1h' })));
    await world.clock.advance('200ms');
    expect(jobs.every(({ outcome }) => outcome?.status === 'fulfilled')).toBe(true);
    expect(process.wire.acquires).toHaveLength(1);
    expect(process.wire.releases).toHaveLength(1);
  });

  it('hand-off within the process has no limit of grants: token blocks grow as they are used up', async () => {
    const process = await world.listeningProcess();
    await Promise.all(times(10_000, () => process.execute('a', () => undefined, { timeout: '1h' })));
    const blocks = process.wire.acquires.flat().map(({ tokens }) => tokens);
    expect(blocks.length).toBeLessThan(10);
    expect(blocks).toEqual([...blocks].sort((a, b) => a! - b!));
  });
});

describe('a process without wake-ups', () => {
  it('a process that cannot subscribe assumes that another one waits: it releases after 20 ms', async () => {
    const [deaf, other] = [world.process(), world.process()];
    deaf.wire.failsToListen = true;
    const order: string[] = [];
    times(30, (index) => track(deaf.execute('a', work(order, `deaf ${index}`), { timeout: '1h' })));
    await world.clock.advance('1ms');
    track(other.execute('a', work(order, 'other'), { timeout: '1h' }));
    await world.clock.advance('300ms');
    expect(order.indexOf('other')).toBeLessThanOrEqual(4);
    expect(order).toHaveLength(31);
  });

  it('a process assumes that another one waits from the moment in which its subscription breaks', async () => {
    const [busy, other] = [await world.listeningProcess(), world.process()];
    const order: string[] = [];
    times(30, (index) => track(busy.execute('a', work(order, `busy ${index}`), { timeout: '1h' })));
    await world.clock.advance('7ms');
    busy.wire.interrupt();
    track(other.execute('a', work(order, 'other'), { timeout: '1h' }));
    await world.clock.advance('300ms');
    expect(order.indexOf('other')).toBe(5);
    expect(order).toHaveLength(31);
  });
});
