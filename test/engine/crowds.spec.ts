import { describe, expect, it } from '@jest/globals';
import { LeaseTable } from '../../lib/engine/hold/lease-table.js';
import type { Grant } from '../../lib/engine/hold/lease.js';
import { NestedWaits } from '../../lib/engine/wait/nested-waits.js';
import { Waiter } from '../../lib/engine/wait/queue.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, times } from '../support/shared-store.js';

const ignore = (): void => undefined;

describe('thousands of callers', () => {
  it('may wait for one key and another of their own: each lets the next pass, and all of them are served', async () => {
    const world = new SharedStore();
    const process = world.process();
    const count = 4000;
    const shared = await process.acquire('a', { timeout: '1h' });
    const others = await Promise.all(times(count, (index) => process.acquire(`b${String(index)}`)));
    const waits = times(count, (index) =>
      track(process.execute(['a', `b${String(index)}`], () => index, { timeout: '1h' })),
    );
    await world.settle();
    await expect(shared.release()).resolves.toBe(true);
    await Promise.all(others.map(async (other) => other.release()));
    await world.settle();
    expect(waits.filter(({ outcome }) => outcome?.status !== 'fulfilled')).toEqual([]);
    expect([world.store.keys(), world.clock.pendingTimers]).toEqual([[], 0]);
  });

  it('may wait inside one job: each is looked at for circles without looking at the others', () => {
    let looks = 0;
    const nested = new NestedWaits(new LeaseTable(() => undefined));
    const around = [{ held: true } as Grant];
    const waiters = times(2000, (index) => {
      const options = { timeout: 10 } as never;
      const waiter = new Waiter([`k${String(index)}`], options, undefined, ignore, ignore);
      Object.defineProperty(waiter, 'around', {
        get: () => {
          looks += 1;
          return around;
        },
      });
      return waiter;
    });
    for (const waiter of waiters) expect(nested.add(waiter)).toBeUndefined();
    for (const waiter of waiters) nested.delete(waiter);
    expect(looks).toBeLessThan(10 * waiters.length);
  });
});
