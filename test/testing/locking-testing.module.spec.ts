import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { LockingService, LockLostError, LockTimeoutError, WithLock } from '../../lib/index.js';
import { LockingTestControl, LockingTestingModule, type LockingTestingModuleOptions } from '../../lib/testing/index.js';
import { deferred } from '../support/deferred.js';
import { track } from '../support/faulty-provider.js';

@Injectable()
class Orders {
  readonly gateway = deferred<string>();
  calls = 0;

  @WithLock('order:<0>')
  async pay(id: string): Promise<string> {
    this.calls += 1;
    return `${id} ${await this.gateway.promise}`;
  }
}

async function create(options?: LockingTestingModuleOptions): Promise<TestingModule> {
  return Test.createTestingModule({ imports: [LockingTestingModule.forRoot(options)], providers: [Orders] }).compile();
}

describe('LockingTestingModule', () => {
  it('LockingTestingModule really locks', async () => {
    const app = await create();
    const orders = app.get(Orders);
    const [first, second] = [track(orders.pay('1')), track(orders.pay('1'))];
    await app.get(LockingTestControl).clock.advance(0);
    expect(orders.calls).toBe(1);
    orders.gateway.resolve('paid');
    await app.get(LockingTestControl).clock.advance(0);
    expect([first.outcome, second.outcome]).toEqual([
      { status: 'fulfilled', value: '1 paid' },
      { status: 'fulfilled', value: '1 paid' },
    ]);
    await app.close();
  });

  it('a test can make a key held by another owner, and free it', async () => {
    const app = await create();
    const [orders, control] = [app.get(Orders), app.get(LockingTestControl)];
    const elsewhere = await control.holdElsewhere('order:1');
    const refused = track(orders.pay('1'));
    await control.clock.advance('4999ms');
    expect(refused.outcome).toBeUndefined();
    await control.clock.advance('1ms');
    expect(refused.outcome).toMatchObject({ reason: expect.any(LockTimeoutError) });
    expect(orders.calls).toBe(0);
    const served = track(orders.pay('1'));
    orders.gateway.resolve('paid');
    await elsewhere.release();
    await control.clock.advance(0);
    expect(served.outcome?.status).toBe('fulfilled');
    await app.close();
  });

  it('a test can make a key held for a while, but not one that is held already', async () => {
    const app = await create();
    const control = app.get(LockingTestControl);
    await control.holdElsewhere(['a', 'b'], { expire: '10s' });
    await expect(control.holdElsewhere('a')).rejects.toThrow('a is held already');
    await control.clock.advance('10s');
    expect(await app.get(LockingService).tryAcquire(['a', 'b'])).not.toBeNull();
    await app.close();
  });

  it('freeing a simulated lock does not free a key that another holder has acquired since', async () => {
    const app = await create();
    const [control, locking] = [app.get(LockingTestControl), app.get(LockingService)];
    const elsewhere = await control.holdElsewhere(['a', 'b'], { expire: '10s' });
    await control.clock.advance('10s');
    const lock = await locking.acquire('a');
    await elsewhere.release();
    expect([lock.held, lock.signal.aborted]).toEqual([true, false]);
    expect(await locking.inspect('a')).toMatchObject({ ownerId: lock.ownerId });
    const again = await control.holdElsewhere('b');
    await elsewhere.release();
    expect(await locking.tryAcquire('b')).toBeNull();
    await again.release();
    expect(await locking.tryAcquire('b')).not.toBeNull();
    await app.close();
  });

  it('a test can make a lock lost', async () => {
    const app = await create();
    const [orders, control] = [app.get(Orders), app.get(LockingTestControl)];
    const paying = track(orders.pay('1'));
    await control.clock.advance(0);
    await control.lose('order:1');
    orders.gateway.resolve('paid');
    await control.clock.advance(0);
    expect(paying.outcome).toMatchObject({ reason: expect.any(LockLostError) });
    expect(paying.outcome).toMatchObject({ reason: { outcome: { status: 'fulfilled', value: '1 paid' } } });
    await app.close();
  });

  it('leases are renewed and expire on the clock of LockingTestingModule', async () => {
    const app = await create({ options: { expire: '3s' } });
    const [locking, { clock }] = [app.get(LockingService), app.get(LockingTestControl)];
    const [renewed, fixed] = [await locking.acquire('a'), await locking.acquire('b', { expire: '10s' })];
    await clock.advance('1m');
    expect([renewed.held, fixed.held]).toEqual([true, false]);
    await renewed.release();
    await fixed.release();
    expect(clock.pendingTimers).toBe(0);
    await app.close();
  });

  it('LockingTestingModule replaces every provider that the application names', async () => {
    const app = await create({ providers: ['locking-redis', 'reports'] });
    const [locking, control] = [app.get(LockingService), app.get(LockingTestControl)];
    await control.holdElsewhere('a', { provider: 'lp_reports' });
    expect(await locking.tryAcquire('a', { provider: 'reports' })).toBeNull();
    expect(await locking.tryAcquire('a', { provider: 'locking-redis' })).not.toBeNull();
    expect(await locking.inspect('a')).not.toBeNull();
    await app.close();
  });
});
