import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  InMemoryLockingProvider,
  LockingModule,
  LockingService,
  LockTimeoutError,
  MemoryLockStore,
} from '../../lib/index.js';
import { LockingTestControl, LockingTestingModule } from '../../lib/testing/index.js';

let app: TestingModule;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(async () => {
  jest.useRealTimers();
  await app.close();
});

async function open(store = new MemoryLockStore()): Promise<LockingService> {
  const providers = [{ resolve: InMemoryLockingProvider, options: { store } }];
  app = await Test.createTestingModule({ imports: [LockingModule.forRoot({ providers })] }).compile();
  return app.get(LockingService);
}

describe('under fake timers', () => {
  it('under fake timers, a lock goes from job to job in the process', async () => {
    const locking = await open();
    const order: number[] = [];
    await Promise.all(
      [1, 2, 3].map((one) => locking.execute('a', async () => void order.push(await Promise.resolve(one)))),
    );
    expect(order).toEqual([1, 2, 3]);
  });

  it('under fake timers, a lock goes from one application to another', async () => {
    const store = new MemoryLockStore();
    const locking = await open(store);
    const first = app;
    const other = await open(store);
    const lock = await locking.acquire('a');
    const waiting = other.acquire('a');
    while (((await locking.inspect('a'))?.waiters ?? 0) === 0) await Promise.resolve();
    await lock.release();
    expect((await waiting).held).toBe(true);
    await first.close();
  });

  it('under fake timers, a wait ends when the test moves its timers', async () => {
    const locking = await open();
    await locking.acquire('a');
    const waiting = expect(locking.acquire('a', { timeout: '5s' })).rejects.toThrow(LockTimeoutError);
    await jest.advanceTimersByTimeAsync(5001);
    await waiting;
  });

  it('under fake timers, a lock is renewed and held while the test moves its timers', async () => {
    const locking = await open();
    const lock = await locking.acquire('a');
    await jest.advanceTimersByTimeAsync(600_000);
    expect(lock.held).toBe(true);
    expect(lock.signal.aborted).toBe(false);
    await lock.release();
  });

  it('fake timers move the clock of LockingTestingModule', async () => {
    app = await Test.createTestingModule({ imports: [LockingTestingModule.forRoot()] }).compile();
    const locking = app.get(LockingService);
    await locking.acquire('a', { expire: '10s' });
    const waiting = locking.acquire('a', { timeout: '1m' });
    await app.get(LockingTestControl).clock.advance('11s');
    expect((await waiting).held).toBe(true);
  });
});
