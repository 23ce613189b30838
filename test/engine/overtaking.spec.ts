import { beforeEach, describe, expect, it } from '@jest/globals';
import type { HeldLock } from '../../lib/engine/lock/held-lock.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;
let other: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  [process, other] = [world.process(), world.process()];
});

async function ownerOf(key: string): Promise<string | undefined> {
  const [stored] = await world.observer.inspect([key]);
  return stored?.ownerId;
}

/** Delays the next request of `process` until `letGo('acquire')`. */
async function delayNextRequest(): Promise<void> {
  const sent = process.wire.acquires.length;
  process.wire.fail('acquire', 'delay');
  while (process.wire.acquires.length === sent) await world.clock.advance('10ms');
  process.wire.mend();
}

describe('requests that arrive in another order than their process has sent them', () => {
  it('a job succeeds although the cancel of a late request overtakes its release', async () => {
    const held = await other.acquire('a');
    let end: () => void = () => undefined;
    const job = track(process.execute('a', () => new Promise<void>((resolve) => (end = resolve)), { timeout: '1h' }));
    await world.settle();
    await delayNextRequest();
    await held.release();
    await world.settle();
    process.wire.fail('release', 'delay');
    end();
    await world.settle();
    process.wire.mend();
    process.wire.letGo('acquire');
    await world.settle();
    process.wire.letGo('release');
    await world.settle();
    expect(job.outcome).toEqual({ status: 'fulfilled', value: undefined });
    expect(await ownerOf('a')).toBeUndefined();
  });

  it('an answer from before a grant by message changes nothing: the grant is released once, and not cancelled', async () => {
    process = await world.listeningProcess();
    const held = await other.acquire('a');
    let end: () => void = () => undefined;
    const job = track(process.execute('a', () => new Promise<void>((resolve) => (end = resolve)), { timeout: '1h' }));
    await world.settle();
    const sent = process.wire.acquires.length;
    process.wire.fail('acquire', 'hold');
    while (process.wire.acquires.length === sent) await world.clock.advance('10ms');
    process.wire.mend();
    await held.release();
    await world.settle();
    process.wire.letGo('acquire');
    await world.settle();
    end();
    await world.settle();
    expect(job.outcome).toEqual({ status: 'fulfilled', value: undefined });
    expect(process.wire.releases.flat()).toHaveLength(1);
  });

  it('a named owner that acquired a key twice holds nothing after both releases, whichever answer came first', async () => {
    process.wire.fail('acquire', 'hold');
    const first = track(process.acquire('a', { ownerId: 'one', expire: '1m' }));
    await world.settle();
    process.wire.mend();
    const second = track(process.acquire('a', { ownerId: 'one', expire: '1m' }));
    await world.settle();
    expect([first.outcome, second.outcome?.status]).toEqual([undefined, 'fulfilled']);
    process.wire.letGo();
    await world.settle();
    await lockOf(second).release();
    expect(await ownerOf('a')).toBe('one');
    await lockOf(first).release();
    expect(await ownerOf('a')).toBeUndefined();
  });

  it('a caller of several keys keeps a key that it released and acquired again, despite late requests', async () => {
    const [a, b] = [await other.acquire('a'), await other.acquire('b')];
    const both = track(process.acquire(['a', 'b'], { timeout: '1h' }));
    await world.settle();
    await delayNextRequest();
    await a.release();
    await world.settle();
    expect(await ownerOf('a')).toBeDefined();
    process.wire.fail('release', 'delay');
    await world.clock.advance('500ms');
    expect(process.wire.releases).toMatchObject([[{ keys: ['a'] }]]);
    process.wire.mend();
    await b.release();
    await world.settle();
    const lock = lockOf(both);
    process.wire.letGo('acquire');
    process.wire.letGo('release');
    await world.settle();
    expect([await ownerOf('a'), await ownerOf('b')]).toEqual([lock.ownerId, lock.ownerId]);
    expect(await lock.release()).toBe(true);
    await world.settle();
    expect([await ownerOf('a'), await ownerOf('b')]).toEqual([undefined, undefined]);
  });

  it('a named owner keeps a key that it released and acquired again, despite late requests', async () => {
    const held = await other.acquire('a');
    const first = track(process.acquire('a', { ownerId: 'me', timeout: '1h' }));
    await world.settle();
    await delayNextRequest();
    await held.release();
    await world.settle();
    process.wire.fail('release', 'delay');
    const released = track(lockOf(first).release());
    await world.settle();
    process.wire.mend();
    const lock = await process.acquire('a', { ownerId: 'me' });
    process.wire.letGo('acquire');
    process.wire.letGo('release');
    await world.settle();
    expect(released.outcome).toEqual({ status: 'fulfilled', value: true });
    expect(await ownerOf('a')).toBe('me');
    expect(await lock.release()).toBe(true);
    await world.settle();
    expect(await ownerOf('a')).toBeUndefined();
  });

  it.each([
    ['its owner', () => process.engine.byKey.release(['a'], 'me')],
    ['this process', () => process.engine.byKey.release(['a'], undefined)],
    ['force', () => process.engine.byKey.forceRelease(['a'])],
  ])('a late request leaves nothing behind if its key was released by %s', async (_, release) => {
    const held = await other.acquire('a');
    const wait = track(process.acquire('a', { ownerId: 'me', timeout: '1h' }));
    await world.settle();
    await delayNextRequest();
    await held.release();
    await world.settle();
    expect(lockOf(wait).held).toBe(true);
    await release();
    process.wire.letGo('acquire');
    await world.settle();
    expect(await ownerOf('a')).toBeUndefined();
  });
});

describe('a request for several keys that was sent twice', () => {
  it('the late copy of a request for several keys leaves alone those still held after one was released by key', async () => {
    const held = await other.acquire('a');
    const wait = track(process.acquire(['a', 'b', 'c'], { ownerId: 'me', timeout: '1h' }));
    await world.settle();
    process.wire.fail('acquire', 'delay');
    await held.release();
    await world.settle();
    process.wire.mend();
    await world.clock.advance('6s');
    expect(lockOf(wait).keys).toEqual(['a', 'b', 'c']);
    await process.engine.byKey.release(['b'], 'me');
    process.wire.letGo('acquire');
    await world.settle();
    expect([await ownerOf('a'), await ownerOf('b'), await ownerOf('c')]).toEqual(['me', undefined, 'me']);
  });
});

describe('a grant whose answer comes only after the key was released', () => {
  /** Asks for a late grant, which is no lock any more once `release` has released the key; another process holds that by then. */
  async function overtaken(release: () => Promise<unknown>): Promise<void> {
    process.wire.fail('acquire', 'hold');
    const late = track(process.acquire('a', { ownerId: 'me', renew: false, timeout: '1h' }));
    await world.settle();
    process.wire.mend();
    await release();
    const elsewhere = await other.acquire('a');
    process.wire.letGo('acquire');
    await world.settle();
    expect([elsewhere.held, late.outcome]).toEqual([true, undefined]);
    await elsewhere.release();
    await world.clock.advance('1s');
    expect([lockOf(late).held, await ownerOf('a')]).toEqual([true, 'me']);
  }

  it.each([
    ['its owner', () => process.engine.byKey.release(['a'], 'me')],
    ['the newer lock of its owner', async (lock: HeldLock) => lock.release()],
    ['this process, with the newer lock of its owner', () => process.engine.byKey.releaseAll(undefined)],
    ['force', () => process.engine.byKey.forceRelease(['a'])],
  ])('a late grant is no lock after %s released the key: another process may hold it', async (_, release) => {
    await overtaken(async () => {
      const newer = await process.acquire('a', { ownerId: 'me' });
      await release(newer);
      expect(newer.held).toBe(false);
    });
  });

  it.each([
    ['its owner', () => process.engine.byKey.release(['a'], 'me')],
    ['force', () => process.engine.byKey.forceRelease(['a'])],
  ])('a late grant is no lock after %s released the only grant of the key', async (_, release) => {
    await overtaken(release);
  });
});

describe('a named owner that acquires several keys and holds one of them in another process too', () => {
  let end: AbortController;

  /** `other` holds `a` under the owner id; `process` has acquired `a` as well, as a part, and waits for `z`. */
  async function share(): Promise<() => boolean> {
    const third = world.process();
    const [a] = [await third.acquire('a'), await third.acquire('z', { ownerId: 'x', renew: true })];
    const elsewhere = track(other.acquire('a', { ownerId: 'me', timeout: '1h' }));
    await world.settle();
    end = new AbortController();
    track(process.acquire(['a', 'z'], { ownerId: 'me', timeout: '1h', signal: end.signal }));
    await world.clock.advance('1100ms');
    await a.release();
    await world.settle();
    const lock = lockOf(elsewhere);
    const taken = process.wire.granted.length;
    while (process.wire.granted.length === taken) await world.clock.advance('10ms');
    return () => lock.held;
  }

  it('the lock in the other process is kept when this one releases a part of its keys', async () => {
    const isHeld = await share();
    await world.clock.advance('60s');
    expect(process.wire.releases.length).toBeGreaterThan(0);
    expect(await ownerOf('a')).toBe('me');
    expect(isHeld()).toBe(true);
  });

  it('the lock in the other process is kept when this one cancels', async () => {
    const isHeld = await share();
    expect(process.wire.releases).toEqual([]);
    end.abort('enough');
    await world.clock.advance('60s');
    expect(process.wire.releases.length).toBeGreaterThan(0);
    expect(await ownerOf('a')).toBe('me');
    expect(isHeld()).toBe(true);
  });
});
