import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import { LockEngine } from '../../lib/engine/lock-engine.js';
import { RecentReleases } from '../../lib/engine/store/recent-releases.js';
import { InMemoryLockingProvider } from '../../lib/index.js';
import { FaultyStore, track } from '../support/faulty-provider.js';

let world: FaultyStore;
let store: InMemoryLockingProvider;

beforeEach(() => {
  world = new FaultyStore();
  store = new InMemoryLockingProvider({ store: world.store });
});

/** The new server still has the lock that this anonymous owner acquired. */
async function holdStill(key: string, ownerId: string): Promise<void> {
  const request = { keys: [key], ownerId, attemptId: ownerId, processId: ownerId, ttl: 30_000, onlyIfOwned: false };
  expect(await store.acquire(request)).toMatchObject({ granted: true });
}

describe('after a failover to a server that lacks the last writes', () => {
  it('locks that were released in the last seconds are released on the new server, too', async () => {
    const { engine, acquire } = bound();
    const lock = await acquire('a');
    await lock.release();
    await holdStill('a', lock.ownerId);
    await world.clock.advance('9s');
    engine.replacement.mend();
    await world.clock.advance(0);
    expect(await store.inspect(['a'])).toEqual([null]);
  });

  it('a key that another owner has acquired on the new server is left alone', async () => {
    const { engine, acquire } = bound();
    const lock = await acquire('a');
    await lock.release();
    const next = await world.engine().acquire('a');
    engine.replacement.mend();
    await world.clock.advance(0);
    expect(await store.inspect(['a'])).toMatchObject([{ ownerId: next.ownerId }]);
  });

  it('the new server keeps a released key until the end of its minHold', async () => {
    const { engine, execute } = bound();
    await execute('a', () => undefined, { minHold: '20s' });
    engine.replacement.mend();
    await world.clock.advance('10s');
    expect(await store.inspect(['a'])).not.toEqual([null]);
  });

  it('a connection that breaks again and again does not make releases repeat more often, nor for ever', async () => {
    const { engine, acquire } = bound();
    for (const ownerId of [undefined, 'a named owner']) await (await acquire('a', { ownerId })).release();
    const repeated: number[] = [];
    for (let time = 0; time < 12; time += 1) {
      const before = world.calls.release;
      engine.replacement.mend();
      await world.clock.advance('2s');
      repeated.push(world.calls.release - before);
    }
    expect(repeated.slice(0, 4)).toEqual([3, 3, 3, 3]);
    expect(repeated.at(-1)).toBe(0);
  });

  it.each(['anonymous', 'named'])(
    'a release (%s) that arrives after its repetition does not make a lock look lost',
    async (owner) => {
      const { engine, acquire, execute } = bound();
      const ownerId = owner === 'named' ? 'me' : undefined;
      const lock = await acquire('byHandle', { ownerId });
      const free = await acquire('byKey', { ownerId });
      world.fail('release', 'delay');
      const ended = [
        track(execute('job', () => 'result', { ownerId })),
        track(lock.release()),
        track(engine.byKey.release(['byKey'], free.ownerId)),
      ];
      await world.clock.advance(0);
      world.mend();
      engine.replacement.mend();
      await world.clock.advance(0);
      expect(await store.inspect(['job', 'byHandle'])).toEqual([null, null]);
      world.letGo();
      await world.clock.advance(0);
      expect(ended.map(({ outcome }) => outcome)).toEqual([
        { status: 'fulfilled', value: 'result' },
        { status: 'fulfilled', value: true },
        { status: 'fulfilled', value: true },
      ]);
    },
  );

  it('a lock that was lost before its release, which was not repeated, is reported as lost', async () => {
    const { engine, execute } = bound();
    engine.replacement.mend();
    const ended = track(execute('a', async () => store.revoke(['a'])));
    await world.clock.advance(0);
    expect(ended.outcome).toMatchObject({ reason: { name: 'LockLostError' } });
  });

  it('a holder learns at once that its lock is gone', async () => {
    const { engine, acquire } = bound();
    const lock = await acquire('a');
    await store.revoke(['a']);
    expect(lock.held).toBe(true);
    engine.replacement.mend();
    await world.clock.advance(0);
    expect(lock.held).toBe(false);
    expect(lock.signal.aborted).toBe(true);
  });

  it('waiters ask at once', async () => {
    const held = await world.engine({ defaultRetryInterval: '1s' }).acquire('a');
    const { engine, acquire } = bound();
    const waiting = track(acquire('a', { timeout: '60s' }));
    await world.clock.advance(0);
    await store.revoke(['a']);
    expect(held.held).toBe(true);
    engine.replacement.mend();
    await world.clock.advance(0);
    expect(waiting.outcome?.status).toBe('fulfilled');
  });
});

describe('the releases that are remembered', () => {
  it('are those of the last seconds, and no more than memory allows', async () => {
    const recent = new RecentReleases(world.clock);
    const requestOf = (attemptId: string) => ({ keys: ['a'], ownerId: 'me', attemptId });
    recent.note(requestOf('early'));
    await world.clock.advance('21s');
    recent.note(requestOf('late'));
    recent.note({ keys: ['a'], ownerId: 'by owner alone' });
    expect(recent.repetitions((one) => [one])).toEqual([requestOf('late')]);
    for (let index = 0; index < 100_000; index += 1) recent.note(requestOf(String(index)));
    const kept = recent.repetitions((one) => [one]);
    expect(kept.at(-1)).toEqual(requestOf('99999'));
    expect(kept.length).toBeGreaterThanOrEqual(10_000);
    expect(kept.length).toBeLessThanOrEqual(20_000);
  });

  it('are none where no other store can take over: what outlives its call costs time', async () => {
    const provider = new InMemoryLockingProvider({ store: world.store });
    const engine = new LockEngine(provider, readEngineSettings({}), world.clock);
    const release = jest.spyOn(provider, 'releaseBatch');
    const cancel = jest.spyOn(provider, 'cancelBatch');
    await (await engine.acquire(['a'], engine.resolve({}, 'handle'))).release();
    engine.replacement.mend();
    await world.clock.advance('1s');
    expect([release.mock.calls.length, cancel.mock.calls.length]).toEqual([1, 0]);
  });

  it('are fewer where each names many keys', () => {
    const recent = new RecentReleases(world.clock);
    const keys = Array.from({ length: 5000 }, (_, index) => String(index));
    for (let index = 0; index < 100; index += 1) recent.note({ keys, ownerId: 'me', attemptId: String(index) });
    const kept = recent.repetitions((one) => [one]).reduce((sum, one) => sum + one.keys.length, 0);
    expect(kept).toBeGreaterThanOrEqual(10_000);
    expect(kept).toBeLessThanOrEqual(30_000);
  });
});

/** An engine with the calls that users make. */
function bound() {
  const test = world.engine({ defaultRetryInterval: '1s' });
  return { engine: test.engine, acquire: test.acquire.bind(test), execute: test.execute.bind(test) };
}
