import { describe, expect, it, jest } from '@jest/globals';
import { LockLostError } from '../../lib/index.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, times } from '../support/shared-store.js';

describe('a lock that is lost before its job begins', () => {
  it('a nested job that waited for one key does not run if the outer lock on the other was revoked', async () => {
    const world = new SharedStore();
    const [process, other] = [await world.listeningProcess(), await world.listeningProcess()];
    const elsewhere = await other.acquire('b');
    const job = jest.fn();
    let nested: Promise<unknown> | undefined;
    const outer = track(
      process.execute('a', async () => {
        nested = process.execute(['a', 'b'], job, { timeout: '1h', minHold: '1m' });
        await nested.catch(() => undefined);
      }),
    );
    await world.settle();
    await other.engine.byKey.forceRelease(['a']);
    await world.settle();
    await elsewhere.release();
    await world.clock.advance('2s');

    const error: unknown = await nested!.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toMatchObject({ keys: ['a', 'b'], notRun: true, outcome: undefined });
    expect((error as Error).message).toMatch(/forceRelease.*was not run/);
    expect(job).not.toHaveBeenCalled();
    expect(outer.outcome).toMatchObject({ reason: { notRun: false, outcome: { status: 'fulfilled' } } });
    expect(await world.observer.inspect(['a', 'b'])).toEqual([null, null]);
  });

  it('the key of a job that did not run goes to the next waiter', async () => {
    const world = new SharedStore();
    const [process, other] = [await world.listeningProcess(), await world.listeningProcess()];
    const elsewhere = await other.acquire('b');
    void track(process.execute('a', () => process.execute(['a', 'b'], () => undefined, { timeout: '1h' })));
    await world.settle();
    const waiting = track(other.acquire(['a', 'b'], { timeout: '1h' }));
    await world.settle();
    await other.engine.byKey.forceRelease(['a']);
    await elsewhere.release();
    await world.clock.advance('5s');
    expect(lockOf(waiting).held).toBe(true);
  });

  it('of many jobs granted at once, those whose lease expired while others ran are not run', async () => {
    const world = new SharedStore();
    const process = world.process({ expire: '1s' });
    const keys = times(40, (index) => `key:${index}`);
    const heldAtStart: boolean[] = [];
    const runs = keys.map((key) =>
      process.execute(key, (lock) => {
        heldAtStart.push(lock.held);
        world.clock.block('50ms');
      }),
    );
    const outcomes = await Promise.allSettled(runs);
    expect(heldAtStart.length).toBeGreaterThan(0);
    expect(heldAtStart).not.toContain(false);
    const notRun = outcomes.filter(({ status }) => status === 'rejected').slice(-(40 - heldAtStart.length));
    expect(notRun).toHaveLength(40 - heldAtStart.length);
    for (const outcome of notRun) expect(outcome).toMatchObject({ reason: { notRun: true, code: 'LOCK_LOST' } });
    await world.settle();
    expect(await world.observer.inspect(keys)).toEqual(keys.map(() => null));
  });
});
