import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Duration } from '../../lib/index.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  process = world.process();
});

describe('a nested call that joins locks and does not get its other keys', () => {
  /** The nested call outlives the jobs around it, so that it is the last holder of their keys. */
  async function startNested(timeout: Duration) {
    await world.process().acquire('c', { ownerId: 'other' });
    let nested: Promise<unknown> | undefined;
    await process.execute('a', () =>
      process.execute('b', () => {
        nested = process.acquire(['a', 'b', 'c'], { timeout });
        nested.catch(() => undefined);
      }),
    );
    return track(nested!);
  }

  it('a failed nested call releases every key that it joined when the jobs around it have ended', async () => {
    const nested = await startNested('2s');
    await world.clock.advance('1s');
    expect(world.store.keys().sort()).toEqual(['a', 'b', 'c']);
    await world.clock.advance('1s');
    expect(nested.outcome).toMatchObject({ reason: { code: 'LOCK_TIMEOUT', keys: ['c'] } });
    expect(world.store.keys()).toEqual(['c']);
  });

  it.each(['refuse', 'delay'] as const)(
    'a nested call fails at once, and its keys are released later, if a release fails: %s',
    async (how) => {
      const nested = await startNested('2s');
      process.wire.fail('release', how);
      await world.clock.advance('2s');
      expect(nested.outcome).toMatchObject({ reason: { code: 'LOCK_TIMEOUT', keys: ['c'] } });
      process.wire.mend();
      process.wire.letGo();
      await world.clock.advance('1s');
      expect(world.store.keys()).toEqual(['c']);
      await world.clock.advance('1m');
      expect(process.wire.extensions.flat().filter(({ ttl }) => ttl !== null).length).toBeLessThan(3);
    },
  );
});
