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
])('a question for %s that reaches the store long after it was given up', (_, wanted) => {
  it.each(['before the store has failed', 'after the store has failed'])('takes nothing: given up %s', async (when) => {
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
  });

  it('takes nothing where it was asked again and granted meanwhile', async () => {
    const lock = await other.acquire(keys, { ownerId: 'one' });
    const wait = track(process.acquire(wanted, { timeout: '1h' }));
    await world.clock.advance('500ms');
    process.wire.fail('acquire', 'delay');
    // After 5 s without an answer it is asked again.
    await world.clock.advance('5500ms');
    process.wire.mend();
    await lock.release();
    await world.clock.advance('2s');
    expect(await lockOf(wait).release()).toBe(true);
    process.wire.letGo();
    await world.settle();
    expect(await world.observer.inspect(keys)).toEqual([null, null]);
  });

  it('takes no place in line', async () => {
    await other.acquire(keys, { ownerId: 'one' });
    const abort = new AbortController();
    track(process.acquire(wanted, { timeout: '1h', signal: abort.signal }));
    await world.clock.advance('500ms');
    expect(world.line('a')).toHaveLength(1);
    process.wire.fail('acquire', 'delay');
    await world.clock.advance('1s');
    abort.abort('enough');
    await world.clock.advance('6s');
    expect(world.line('a')).toEqual([]);
    process.wire.letGo();
    await world.settle();
    expect(world.line('a')).toEqual([]);
  });
});

describe('a question of a named owner who passes those who wait', () => {
  it('takes nothing that was given up meanwhile', async () => {
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

describe('an undoing', () => {
  it('is asked for until the store has answered it', async () => {
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
