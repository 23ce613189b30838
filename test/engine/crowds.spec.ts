import { describe, expect, it } from '@jest/globals';
import { LeaseTable } from '../../lib/engine/hold/lease-table.js';
import type { Grant } from '../../lib/engine/hold/lease.js';
import { NestedWaits } from '../../lib/engine/wait/nested-waits.js';
import { Waiter } from '../../lib/engine/wait/queue.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, times } from '../support/shared-store.js';

const ignore = (): void => undefined;

describe('thousands of callers', () => {
  it('thousands of callers that wait for a common key and one of their own are all served', async () => {
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

  it('the check for circles among thousands of nested calls of one job does not compare them with each other', () => {
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
