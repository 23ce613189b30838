import { beforeEach, describe, expect, it } from '@jest/globals';
import type { HeldLock } from '../../lib/engine/lock/held-lock.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(async () => {
  world = new SharedStore();
  process = await world.listeningProcess();
});

/** Milliseconds for which the store would keep `key` if this process died now. */
function blockedFor(key: string): number {
  return (world.store.get(key)?.expiresAt ?? 0) - world.clock.now();
}

/** Both callers ask in the same turn, so that the lease has tokens for both and can be handed off. */
async function holderAndWaiter(): Promise<
  [HeldLock, { readonly outcome: PromiseSettledResult<HeldLock> | undefined }]
> {
  const options = { expire: '2s', renew: true } as const;
  const holder = process.acquire('a', options);
  const waiter = track(process.acquire('a', options));
  return [await holder, waiter];
}

describe('minHold of a call that joined a lock', () => {
  it('the minHold of a joined call holds back a waiter of the same process', async () => {
    const holder = process.execute('a', () => process.execute('a', () => undefined, { minHold: '1500ms' }));
    const next = track(process.acquire('a'));
    await holder;
    await world.settle();
    expect(next.outcome).toBeUndefined();
    await world.clock.advance('1400ms');
    expect(next.outcome).toBeUndefined();
    await world.clock.advance('1100ms');
    expect(lockOf(next).held).toBe(true);
  });

  it('the minHold outlives later grants of the same named owner', async () => {
    const short = await process.acquire('a', { ownerId: 'me', minHold: '1500ms' });
    const last = await process.acquire('a', { ownerId: 'me' });
    await short.release();
    await world.clock.advance('500ms');
    await last.release();
    await world.settle();
    expect(blockedFor('a')).toBe(1000);
    await world.clock.advance('1s');
    expect(await process.tryAcquire('a')).not.toBeNull();
  });

  it('the minHold counts only for the keys of its call', async () => {
    const held = await process.acquire('a', { ownerId: 'me', minHold: '1500ms' });
    const both = await process.acquire(['a', 'b'], { ownerId: 'me' });
    await held.release();
    await both.release();
    expect([blockedFor('a'), world.store.get('b')]).toEqual([1500, undefined]);
  });
});

describe('a lease that its holder has extended', () => {
  it('an extended lease is not handed off to a waiter of the same process that asked for a shorter one', async () => {
    const [lock, next] = await holderAndWaiter();
    expect(await lock.extend('1h')).toBe(true);
    await lock.release();
    await world.settle();
    expect(lockOf(next).held).toBe(true);
    expect(blockedFor('a')).toBe(2000);
  });

  it('a lease that was extended by its owner id is not handed off either', async () => {
    const [lock, next] = await holderAndWaiter();
    expect(await process.engine.extendKeys(['a'], lock.ownerId, 3_600_000)).toBe(true);
    await lock.release();
    await world.settle();
    expect(lockOf(next).held).toBe(true);
    expect(blockedFor('a')).toBe(2000);
  });

  it.each(['lose', 'delay', 'hold'] as const)('is not passed on while the extension is unanswered: %s', async (how) => {
    const [lock, next] = await holderAndWaiter();
    process.wire.fail('extend', how);
    const extension = track(lock.extend('1h'));
    await world.settle();
    await lock.release();
    await world.settle();
    process.wire.mend();
    process.wire.letGo();
    await world.settle();
    expect(extension.outcome).toBeDefined();
    expect(lockOf(next).held).toBe(true);
    expect(blockedFor('a')).toBe(2000);
  });

  it('an extended lease is handed off once no more of it is left than the waiter asked for', async () => {
    const [lock, next] = await holderAndWaiter();
    await lock.extend('4s');
    await lock.extend();
    await world.clock.advance('2s');
    process.wire.forget();
    await lock.release();
    await world.settle();
    expect(lockOf(next).held).toBe(true);
    expect(process.wire.acquires).toEqual([]);
  });
});
