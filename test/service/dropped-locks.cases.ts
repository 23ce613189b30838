import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NestFactory } from '@nestjs/core';
import { LockingModule, LockingService, type AcquireOptions, type Lock } from '../../lib/index.js';
import { onEveryStore } from '../support/stores.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let warnings: string[] = [];

beforeEach(() => {
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => void warnings.push(String(message)));
});

afterEach(() => {
  jest.restoreAllMocks();
});

const warningsOf = (...keys: string[]): string[] => {
  const start = `A lock on ${keys.map((key) => `"${key}"`).join(', ')} was never released`;
  return warnings.filter((message) => message.startsWith(start));
};

async function untilWarnedOf(...keys: string[]): Promise<void> {
  while (warningsOf(...keys).length === 0) {
    // Gives renewals time to run.
    await delay(10);
    collectGarbage();
  }
}

/** Acquires a lock without keeping a reference to it. */
async function drop(locking: LockingService, keys: string | string[], options?: AcquireOptions): Promise<void> {
  await locking.acquire(keys, options);
}

/** Resolves once the garbage collector has collected all locks that were dropped before. */
async function untilAllIsCollected(locking: LockingService): Promise<void> {
  for (const key of ['last', 'very last']) {
    await drop(locking, key);
    await untilWarnedOf(key);
  }
}

async function signalOf(locking: LockingService, key: string): Promise<AbortSignal> {
  return (await locking.acquire(key)).signal;
}

describe('thousands of locks that are dropped without a release', () => {
  it('thousands of dropped locks cause a few warnings', async () => {
    const app = await NestFactory.createApplicationContext(LockingModule.forRoot(), { logger: false });
    const locking = app.get(LockingService);
    await Promise.all(Array.from({ length: 2000 }, async (_, index) => drop(locking, `many:${String(index)}`)));
    while (warnings.length < 10) {
      await delay(10);
      collectGarbage();
    }
    await delay(10);
    collectGarbage();
    expect(warnings).toHaveLength(10);
    await app.close();
  });
});

describe('a lock that is dropped without a release', () => {
  onEveryStore((store) => {
    it('a dropped lock causes a warning with its key, is no longer renewed, and is free when its lease has expired', async () => {
      const [locking, other] = [await store.open({ expire: '2s' }), await store.open()];
      await drop(locking, 'a');
      await untilWarnedOf('a');
      await using next = await other.acquire('a', { timeout: '10s' });
      expect(next.held).toBe(true);
      expect(warningsOf('a')).toHaveLength(1);
      expect(warningsOf('a')[0]).toContain('"await using"');
    });

    it('a dropped lock of tryAcquire, of several keys, or with renew: true causes a warning too', async () => {
      const locking = await store.open();
      await (async () => locking.tryAcquire('tried'))();
      await drop(locking, ['b', 'c']);
      await drop(locking, 'fixed', { expire: '10s', renew: true });
      await untilWarnedOf('tried');
      await untilWarnedOf('fixed');
      await untilWarnedOf('b', 'c');
    });

    it('a dropped lock goes to the next caller of its process when its lease has expired', async () => {
      const locking = await store.open({ expire: '2s' });
      await drop(locking, 'a');
      const next = locking.acquire('a', { timeout: '10s' });
      await untilWarnedOf('a');
      expect((await next).held).toBe(true);
    });

    it('a lock causes no warning while it is referenced, nor after its release', async () => {
      const locking = await store.open();
      const kept = await locking.acquire('kept');
      await (async () => (await locking.acquire('released')).release())();
      await (async () => {
        await using lock = await locking.acquire('disposed');
        expect(lock.held).toBe(true);
      })();
      await drop(locking, 'released by key');
      await locking.release('released by key');
      await untilAllIsCollected(locking);
      const names = ['kept', 'released', 'disposed', 'released by key'];
      expect(names.flatMap((key) => warningsOf(key))).toEqual([]);
      expect(kept.held).toBe(true);
      expect(await kept.release()).toBe(true);
    });

    it('a dropped lock without renewal, or with a named owner, causes no warning', async () => {
      const locking = await store.open();
      await drop(locking, 'fixed', { expire: '1m' });
      await drop(locking, 'named', { ownerId: 'me' });
      await drop(locking, 'named and renewed', { ownerId: 'me', renew: true });
      await untilAllIsCollected(locking);
      expect(['fixed', 'named', 'named and renewed'].flatMap((key) => warningsOf(key))).toEqual([]);
      expect(await locking.release(['fixed'])).toBe(true);
      expect(await locking.release(['named', 'named and renewed'], { ownerId: 'me' })).toBe(true);
    });

    it('a running job keeps its lock, whether it uses it or not', async () => {
      const locking = await store.open();
      await locking.execute('job', async () => {
        await untilAllIsCollected(locking);
        expect(locking.current()?.held).toBe(true);
      });
      expect(warningsOf('job')).toEqual([]);
    });

    it.each(['referred to', 'listened to'])('is kept while its signal is %s', async (how) => {
      const [locking, other] = [await store.open(), await store.open()];
      let signal: AbortSignal | undefined = await signalOf(locking, 'a');
      const aborted = how === 'listened to' ? once(signal, 'abort') : undefined;
      if (aborted) signal = undefined;
      await untilAllIsCollected(locking);
      expect(warningsOf('a')).toEqual([]);
      expect(await other.tryAcquire('a')).toBeNull();
      await locking.forceRelease('a');
      await aborted;
      expect(signal?.aborted ?? true).toBe(true);
    });

    it('a dropped lock whose signal was read and dropped causes a warning', async () => {
      const locking = await store.open();
      await (async () => expect((await signalOf(locking, 'a')).aborted).toBe(false))();
      await untilWarnedOf('a');
    });

    it('a dropped lock that joined that of its job does not end the lock of the job, and does not outlast it', async () => {
      const locking = await store.open();
      await locking.execute('a', async (lock) => {
        await drop(locking, ['a', 'b']);
        await untilWarnedOf('a', 'b');
        expect(lock.held).toBe(true);
      });
      expect(await locking.inspect('a')).toBeNull();
      expect(await locking.inspect('b')).not.toBeNull();
    });

    it('a released lock that joined that of its job does not end the lock of the job', async () => {
      const locking = await store.open({ expire: '1s' });
      await locking.execute('a', async (lock) => {
        await (async () => (await locking.acquire('a')).release())();
        await untilAllIsCollected(locking);
        const renewed = performance.now() + 1500;
        while (performance.now() < renewed) await delay(50);
        expect(lock.held).toBe(true);
      });
    });

    it('the signal of a dropped lock stays the same, and aborts when the lock is lost', async () => {
      const locking = await store.open();
      const lock: Lock = await locking.acquire('a');
      const { signal } = lock;
      expect(lock.signal).toBe(signal);
      await locking.forceRelease('a');
      expect(signal.aborted).toBe(true);
      expect((signal.reason as Error).name).toBe('LockLostError');
    });
  });
});
