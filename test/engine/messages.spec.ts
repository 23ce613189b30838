import { beforeEach, describe, expect, it } from '@jest/globals';
import { isLockBackendError, type AcquireOptions } from '../../lib/index.js';
import { FaultyStore, track } from '../support/faulty-provider.js';
import { SharedStore, type StoreProcess } from '../support/shared-store.js';

/** The message of the error that a promise was rejected with. */
function messageOf({ outcome }: { readonly outcome: PromiseSettledResult<unknown> | undefined }): string {
  if (outcome?.status !== 'rejected') throw new Error(`it was not rejected: ${JSON.stringify(outcome)}`);
  return (outcome.reason as Error).message;
}

describe('the message of a timeout names the holder and the key', () => {
  let world: SharedStore;
  let one: StoreProcess;
  let other: StoreProcess;

  beforeEach(() => {
    world = new SharedStore();
    one = world.process();
    other = world.process();
  });

  async function refusal(keys: string | string[], options: AcquireOptions = {}): Promise<string> {
    const wait = track(one.acquire(keys, { timeout: '2s', ...options }));
    await world.clock.advance('2100ms');
    return messageOf(wait);
  }

  it('a timeout names another process as the holder', async () => {
    await other.acquire('k');
    expect(await refusal('k')).toMatch(/^"k" was still held by another process after 2000 ms\. Nothing was locked/);
  });

  it('a timeout names another process as the holder also for a call that waited behind others of its own process', async () => {
    await other.acquire('k');
    void one.acquire('k', { timeout: '1h' });
    expect(await refusal('k')).toMatch(/^"k" was still held by another process after/);
  });

  it('a timeout names another caller of this process as the holder, by its owner id if it has one', async () => {
    await one.acquire('k');
    expect(await refusal('k')).toMatch(/^"k" was still held by another caller of this process after/);
    await one.acquire('n', { ownerId: 'cart-7' });
    expect(await refusal('n')).toMatch(/by another caller of this process, under the owner "cart-7" after 2000 ms/);
  });

  it('a timeout of several keys names the key that was held', async () => {
    await other.acquire('z');
    expect(await refusal(['k', 'z'])).toMatch(
      /^"k", "z" could not be locked: "z" was still held by another process after/,
    );
    await one.acquire('b');
    expect(await refusal(['a', 'b', 'z'])).toMatch(
      /^"a", "b", "z" could not be locked: "b" was still held by another caller/,
    );
  });

  it('a timeout names a job around the call as the holder', async () => {
    const outer = track(one.execute('k', () => one.execute('k', () => undefined, { reentrant: false, timeout: '2s' })));
    await world.clock.advance('2100ms');
    expect(messageOf(outer)).toMatch(
      /^"k" was still held by a job around this very call after 2000 ms.*leave out reentrant: false/,
    );
  });

  it('a refused call that does not wait names the holder', async () => {
    await other.acquire('k');
    const wait = track(one.execute('k', () => undefined, { timeout: 0 }));
    await world.settle();
    expect(messageOf(wait)).toBe('"k" is held by another process, and this call does not wait. Nothing was locked.');
  });
});

describe('a failure of the store', () => {
  it('a waiter learns of a failure of the store once', async () => {
    const world = new FaultyStore();
    const holder = world.engine();
    await holder.acquire('k');
    const waiter = track(world.engine().acquire('k', { timeout: '3s' }));
    await world.clock.advance('100ms');
    world.fail('acquire', 'refuse');
    await world.clock.advance('3s');
    const message = messageOf(waiter);
    expect(message.match(/Could not/g)).toHaveLength(1);
    expect(message.match(/Check that the store/g)).toHaveLength(1);
    expect(message).not.toContain('..');
    expect(isLockBackendError((waiter.outcome as PromiseRejectedResult).reason)).toBe(true);
  });
});

describe('the message of an expired lease names the cause', () => {
  const lease = { expire: '9s' } as const;

  it('an expired lease names a store that did not answer as its cause', async () => {
    const world = new FaultyStore();
    const lock = await world.engine().acquire('k', { ...lease, renew: true });
    const { signal } = lock;
    world.fail('extend', 'refuse');
    await world.clock.advance('10s');
    expect((signal.reason as Error).message).toMatch(
      /ran out.*The store did not confirm its renewal within the lease of 9000 ms/,
    );
    expect((signal.reason as Error).message).not.toMatch(/maxHold|expire/);
  });

  it('an expired lease names a blocked event loop as its cause', async () => {
    const world = new FaultyStore();
    const lock = await world.engine().acquire('k', { ...lease, renew: true });
    world.clock.block('20s');
    expect((lock.signal.reason as Error).message).toMatch(/the event loop was blocked or the process stood still/);
  });

  it('an expired lease names maxHold as its cause', async () => {
    const world = new FaultyStore();
    const { signal } = await world.engine().acquire('k', { ...lease, renew: true, maxHold: '12s' });
    await world.clock.advance('30s');
    expect((signal.reason as Error).message).toMatch(/for the 12000 ms that maxHold allows/);
  });

  it('an expired lease names the fixed length as its cause', async () => {
    const world = new FaultyStore();
    const { signal } = await world.engine().acquire('k', { ...lease, renew: false });
    await world.clock.advance('10s');
    expect((signal.reason as Error).message).toMatch(/It was to last 9000 ms and is not renewed: give a longer expire/);
  });
});
