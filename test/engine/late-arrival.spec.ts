import { beforeEach, describe, expect, it } from '@jest/globals';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;
let other: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  [process, other] = [world.process(), world.process()];
});

const keys = ['a', 'b'];

describe.each([
  ['one key', 'a'],
  ['several keys', keys],
])('a request for %s that reaches the store long after it was cancelled', (_, wanted) => {
  it.each(['before the store has failed', 'after the store has failed'])(
    'a late request that was cancelled acquires nothing: cancelled %s',
    async (when) => {
      const abort = new AbortController();
      process.wire.fail('acquire', 'delay');
      const wait = track(process.acquire(wanted, { timeout: '1h', signal: abort.signal }));
      await world.clock.advance('100ms');
      if (when.startsWith('before')) abort.abort('enough');
      await world.clock.advance('6s');
      expect(wait.outcome?.status).toBe('rejected');
      process.wire.letGo();
      await world.settle();
      expect(await world.observer.inspect(keys)).toEqual([null, null]);
    },
  );

  it('a late request acquires nothing after its attempt was asked again, granted and released', async () => {
    const lock = await other.acquire(keys, { ownerId: 'one' });
    const wait = track(process.acquire(wanted, { timeout: '1h' }));
    await world.clock.advance('500ms');
    process.wire.fail('acquire', 'delay');
    // After 5 s without an answer the attempt is asked again.
    await world.clock.advance('5500ms');
    process.wire.mend();
    await lock.release();
    await world.clock.advance('2s');
    expect(await lockOf(wait).release()).toBe(true);
    process.wire.letGo();
    await world.settle();
    expect(await world.observer.inspect(keys)).toEqual([null, null]);
  });

  it('a late request of a cancelled attempt does not join the queue', async () => {
    await other.acquire(keys, { ownerId: 'one' });
    const abort = new AbortController();
    track(process.acquire(wanted, { timeout: '1h', signal: abort.signal }));
    await world.clock.advance('500ms');
    expect(world.queue('a')).toHaveLength(1);
    process.wire.fail('acquire', 'delay');
    await world.clock.advance('1s');
    abort.abort('enough');
    await world.clock.advance('6s');
    expect(world.queue('a')).toEqual([]);
    process.wire.letGo();
    await world.settle();
    expect(world.queue('a')).toEqual([]);
  });
});

describe('a request of a named owner that passes waiters', () => {
  it('a cancelled request of a named owner leaves the key with the lock that the owner holds', async () => {
    const lock = await other.acquire('a', { ownerId: 'me' });
    track(process.acquire('a', { timeout: '5s' }));
    await world.settle();
    process.wire.fail('acquire', 'hold');
    const abort = new AbortController();
    track(process.acquire('a', { ownerId: 'me', timeout: '1h', signal: abort.signal }));
    await world.settle();
    expect(process.wire.acquires.at(-1)).toMatchObject([{ onlyIfOwned: true }]);
    abort.abort('enough');
    process.wire.mend();
    process.wire.letGo();
    await world.clock.advance('6s');
    expect(await lock.release()).toBe(true);
    expect(world.store.get('a')).toBeUndefined();
  });
});

describe('a cancel', () => {
  it('a cancel is repeated until the store has answered', async () => {
    process.wire.fail('acquire', 'lose');
    process.wire.fail('release', 'refuse');
    track(process.acquire('a', { timeout: '1h' }));
    await world.clock.advance('4s');
    expect((await world.observer.inspect(['a']))[0]).not.toBeNull();
    process.wire.mend();
    await world.clock.advance('1s');
    expect(await world.observer.inspect(['a'])).toEqual([null]);
    const before = process.wire.calls;
    await world.clock.advance('1m');
    expect(process.wire.calls).toBe(before);
  });
});
