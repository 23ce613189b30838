import { beforeEach, describe, expect, it } from '@jest/globals';
import { SharedStore, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  process = world.process();
});

/** For how many milliseconds the store keeps `key` from now on. */
function keptFor(key: string): number {
  return (world.store.get(key)?.expiresAt ?? 0) - world.clock.now();
}

describe('an extension that is not awaited before a release with minHold', () => {
  it('does not stretch the minHold to a lease', async () => {
    const lock = await process.acquire('a', { minHold: '1500ms' });
    const extended = lock.extend();
    expect(await lock.release()).toBe(true);
    await extended;
    expect(keptFor('a')).toBe(1500);
  });

  it('does not stretch it either where it is for several keys, or names the owner', async () => {
    const lock = await process.acquire(['a', 'b'], { minHold: '1500ms', ownerId: 'me' });
    const extended = [lock.extend('1h'), process.engine.extendKeys(['a', 'b'], 'me', 3_600_000)];
    expect(await lock.release()).toBe(true);
    await Promise.all(extended);
    expect([keptFor('a'), keptFor('b')]).toEqual([1500, 1500]);
  });

  it('comes to false, as one does that follows the release', async () => {
    const lock = await process.acquire('a', { minHold: '1500ms', ownerId: 'me' });
    await lock.release();
    expect(await process.engine.extendKeys(['a'], 'me', 3_600_000)).toBe(false);
    expect(keptFor('a')).toBe(1500);
  });
});
