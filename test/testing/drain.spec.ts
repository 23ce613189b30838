import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { LockLostError, WithLock } from '../../lib/index.js';
import { LockingTestControl, LockingTestingModule, ManualClock } from '../../lib/testing/index.js';
import { deferred } from '../support/deferred.js';
import { track } from '../support/faulty-provider.js';

@Injectable()
class Orders {
  readonly gateway = deferred<string>();

  @WithLock('order:<0>')
  async pay(id: string): Promise<string> {
    return `${id} ${await this.gateway.promise}`;
  }
}

function captureWarnings(): string[] {
  const warnings: string[] = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => {
    warnings.push(String(message));
  });
  return warnings;
}

async function withRunningJob(): Promise<{ app: TestingModule; orders: Orders; clock: ManualClock }> {
  const app = await Test.createTestingModule({
    imports: [LockingTestingModule.forRoot({ providers: ['locking-redis', 'reports'] })],
    providers: [Orders],
  }).compile();
  return { app, orders: app.get(Orders), clock: app.get(LockingTestControl).clock };
}

describe('app.close() under LockingTestingModule', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('app.close() ends by itself when a job under a lock never ends and the test does not move the clock', async () => {
    const warnings = captureWarnings();
    const { app, orders, clock } = await withRunningJob();
    await app.get(LockingTestControl).holdElsewhere('order:2');
    const paying = track(orders.pay('1'));
    await clock.advance(0);
    await app.close();
    expect(warnings).toEqual([
      expect.stringMatching(/ManualClock has stood still for 1000 ms.* Still held: "order:1"\. End the jobs/),
      expect.stringContaining('1 job(s) still ran under a lock 10000 ms after the shutdown began'),
    ]);
    orders.gateway.resolve('late');
    await clock.advance(0);
    expect(paying.outcome).toMatchObject({ reason: expect.any(LockLostError) });
  });

  it('app.close() ends by itself under fake timers', async () => {
    captureWarnings();
    const { app, orders, clock } = await withRunningJob();
    track(orders.pay('1'));
    await clock.advance(0);
    jest.useFakeTimers();
    try {
      await app.close();
    } finally {
      jest.useRealTimers();
    }
  });

  it('app.close() leaves the clock to a test that moves it', async () => {
    const warnings = captureWarnings();
    const { app, orders, clock } = await withRunningJob();
    track(orders.pay('1'));
    await clock.advance(0);
    const closing = track(app.close());
    await clock.advance('9999ms');
    expect([closing.outcome, clock.now()]).toEqual([undefined, 9999]);
    await clock.advance('1ms');
    expect(closing.outcome?.status).toBe('fulfilled');
    expect(warnings).toEqual([expect.stringContaining('1 job(s) still ran under a lock')]);
  });

  it('app.close() waits for a job that ends in real time, and does not move the clock', async () => {
    const warnings = captureWarnings();
    const { app, orders, clock } = await withRunningJob();
    const paying = track(orders.pay('1'));
    await clock.advance(0);
    const closing = app.close();
    setImmediate(() => {
      orders.gateway.resolve('paid');
    });
    await closing;
    expect(paying.outcome).toEqual({ status: 'fulfilled', value: '1 paid' });
    expect([warnings, clock.now(), clock.pendingTimers]).toEqual([[], 0, 0]);
  });
});

describe('ManualClock', () => {
  it('ManualClock does not go back when two advances run at once', async () => {
    const clock = new ManualClock();
    await Promise.all([clock.advance('2s'), clock.advance('1s')]);
    expect(clock.now()).toBe(2000);
  });
});
