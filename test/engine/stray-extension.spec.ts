import { beforeEach, describe, expect, it } from '@jest/globals';
import { SharedStore, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  process = world.process();
});

/** Milliseconds for which the store keeps `key` from now on. */
function keptFor(key: string): number {
  return (world.store.get(key)?.expiresAt ?? 0) - world.clock.now();
}

describe('an extension under way during a release with minHold', () => {
  it('an extension under way does not prolong the minHold to a lease', async () => {
    const lock = await process.acquire('a', { minHold: '1500ms' });
    const extended = lock.extend();
    expect(await lock.release()).toBe(true);
    await extended;
    expect(keptFor('a')).toBe(1500);
  });

  it('an extension of several keys, or by owner id, does not prolong the minHold either', async () => {
    const lock = await process.acquire(['a', 'b'], { minHold: '1500ms', ownerId: 'me' });
    const extended = [lock.extend('1h'), process.engine.extendKeys(['a', 'b'], 'me', 3_600_000)];
    expect(await lock.release()).toBe(true);
    await Promise.all(extended);
    expect([keptFor('a'), keptFor('b')]).toEqual([1500, 1500]);
  });

  it('an extension under way during the release resolves with false', async () => {
    const lock = await process.acquire('a', { minHold: '1500ms', ownerId: 'me' });
    await lock.release();
    expect(await process.engine.extendKeys(['a'], 'me', 3_600_000)).toBe(false);
    expect(keptFor('a')).toBe(1500);
  });
});
