import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { isLockLostError, LockingService, WithLock, type Lock } from '../../lib/index.js';
import { isHeld, rejection, Stage, useLockingApps } from '../support/nest-apps.js';

const failure = new TypeError('no such order');
const thenable = { then: (resolve: (value: string) => void) => resolve('from a thenable') };

@Injectable()
class Orders {
  readonly stage = new Stage();
  lock: Lock | undefined;

  constructor(readonly locking: LockingService) {}

  @WithLock('order')
  async returns<T>(value: T): Promise<T> {
    return Promise.resolve(value);
  }

  @WithLock('order')
  returnsThenable(): Promise<string> {
    return thenable as Promise<string>;
  }

  @WithLock('order')
  returnsPlainly(value: unknown): Promise<unknown> {
    return value as Promise<unknown>;
  }

  @WithLock('order')
  async rejects(reason: unknown): Promise<void> {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever it is, it must pass through
    return Promise.reject(reason);
  }

  @WithLock('order')
  throws(reason: unknown): Promise<void> {
    throw reason;
  }

  @WithLock('order')
  async current(): Promise<Lock | undefined> {
    await this.stage.enter('current');
    this.lock = this.locking.current();
    return this.lock;
  }

  @WithLock('order', { timeout: 0 })
  async outer(): Promise<string> {
    const token = this.locking.current()?.fencingToken;
    const inner = await this.inner();
    return inner === token ? 'joined' : 'another lock';
  }

  @WithLock('order', { timeout: 0 })
  async inner(): Promise<number | undefined> {
    return Promise.resolve(this.locking.current()?.fencingToken);
  }

  @WithLock('order', { timeout: 0 })
  async outerOfTwo(): Promise<readonly string[] | undefined> {
    return this.innerOfTwo();
  }

  @WithLock(() => ['order', 'stock'], { timeout: 0 })
  async innerOfTwo(): Promise<readonly string[] | undefined> {
    return Promise.resolve(this.locking.current()?.keys);
  }

  @WithLock('order')
  async outerOfCompeting(): Promise<number | undefined> {
    return this.competing();
  }

  @WithLock('order', { timeout: 0, reentrant: false })
  async competing(): Promise<number | undefined> {
    return Promise.resolve(this.locking.current()?.fencingToken);
  }

  @WithLock('order', { ownerId: 'ada', expire: '1m' })
  async owned(): Promise<Lock | undefined> {
    await this.stage.enter('owned');
    return this.locking.current();
  }
}

describe('@WithLock: outcome of the method', () => {
  const startApp = useLockingApps();

  it.each([undefined, null, 0, '', false, 'a', [1], new Map([[1, 2]])])('returns %p untouched', async (value) => {
    const app = await startApp({ providers: [Orders] });
    expect(await app.get(Orders).returns(value)).toBe(value);
    expect(await isHeld(app, 'order')).toBe(false);
  });

  it('a thenable and a plain value resolve as with await', async () => {
    const orders = (await startApp({ providers: [Orders] })).get(Orders);
    expect(await orders.returnsThenable()).toBe('from a thenable');
    expect(await orders.returnsPlainly(42)).toBe(42);
  });

  it.each([
    ['an error', failure],
    ['a string', 'a string'],
    ['undefined', undefined],
    ['a frozen object', Object.freeze({ code: 1 })],
  ])('the rejection of the method is passed on: %s', async (_what, reason) => {
    const app = await startApp({ providers: [Orders] });
    expect(await rejection(app.get(Orders).rejects(reason))).toBe(reason);
    expect(await isHeld(app, 'order')).toBe(false);
  });

  it.each([
    ['an error', failure],
    ['a string', 'a string'],
    ['undefined', undefined],
  ])('an error that the method throws at once becomes a rejection: %s', async (_what, reason) => {
    const app = await startApp({ providers: [Orders] });
    const result = app.get(Orders).throws(reason);
    expect(await rejection(result)).toBe(reason);
    expect(await isHeld(app, 'order')).toBe(false);
  });

  it('the next caller is served after a failure', async () => {
    const orders = (await startApp({ providers: [Orders] })).get(Orders);
    const results = await Promise.allSettled([orders.rejects(failure), orders.throws(failure), orders.returns('next')]);
    expect(results).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
      { status: 'fulfilled', value: 'next' },
    ]);
  });

  it('a decorated method returns a Promise', async () => {
    const orders = (await startApp({ providers: [Orders] })).get(Orders);
    const result = orders.returns(1);
    expect(result).toBeInstanceOf(Promise);
    await result;
  });

  it('LockingService.current() returns the lock of the method', async () => {
    const app = await startApp({ providers: [Orders] });
    const orders = app.get(Orders);
    expect(orders.locking.current()).toBeUndefined();

    const call = orders.current();
    await orders.stage.entered('current');
    const stored = await app.get(LockingService).inspect('order');
    // the caller is not inside
    expect(orders.locking.current()).toBeUndefined();
    orders.stage.leave('current');
    const lock = (await call)!;

    expect(lock.keys).toEqual(['order']);
    expect(stored).toMatchObject({ ownerId: lock.ownerId, fencingToken: lock.fencingToken });
    expect(lock.fencingTokenFor('order')).toBe(lock.fencingToken);
    expect(lock.signal.aborted).toBe(false);
    expect(lock.held).toBe(false);
    expect(orders.locking.current()).toBeUndefined();
  });

  it('each call gets a greater fencing token', async () => {
    const orders = (await startApp({ providers: [Orders] })).get(Orders);
    const first = (await orders.inner())!;
    const second = (await orders.inner())!;
    expect(second).toBeGreaterThan(first);
  });

  it('a decorated method joins the lock of the one that calls it', async () => {
    const app = await startApp({ providers: [Orders] });
    expect(await app.get(Orders).outer()).toBe('joined');
    expect(await isHeld(app, 'order')).toBe(false);
  });

  it('a decorated method joins the keys that are held, and acquires the others', async () => {
    const app = await startApp({ providers: [Orders] });
    expect(await app.get(Orders).outerOfTwo()).toEqual(['order', 'stock']);
    expect([await isHeld(app, 'order'), await isHeld(app, 'stock')]).toEqual([false, false]);
  });

  it('with reentrant: false, a decorated method waits for its own caller', async () => {
    const orders = (await startApp({ providers: [Orders] })).get(Orders);
    expect(await rejection(orders.outerOfCompeting())).toMatchObject({ code: 'LOCK_TIMEOUT' });
  });

  it('@WithLock has the options of execute', async () => {
    const app = await startApp({ providers: [Orders] });
    const orders = app.get(Orders);
    const call = orders.owned();
    await orders.stage.entered('owned');
    const { ttl, ownerId } = (await app.get(LockingService).inspect('order'))!;
    expect(ownerId).toBe('ada');
    expect(ttl).toBeGreaterThan(31_000);
    orders.stage.leave('owned');
    expect((await call)?.ownerId).toBe('ada');
  });

  it('a call whose lock was lost rejects with a LockLostError that carries the outcome', async () => {
    const app = await startApp({ providers: [Orders] });
    const orders = app.get(Orders);
    const call = orders.current();
    await orders.stage.entered('current');
    await app.get(LockingService).forceRelease('order');
    orders.stage.leave('current');
    const error = await rejection(call);
    expect(isLockLostError(error)).toBe(true);
    expect(orders.lock?.signal.aborted).toBe(true);
    expect(error).toMatchObject({ outcome: { status: 'fulfilled', value: orders.lock } });
  });
});
