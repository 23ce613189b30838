import { describe, expect, it } from '@jest/globals';
import { LockConfigurationError, LockLostError } from '../../lib/index.js';
import { eventually } from '../support/poll.js';
import { onEveryStore } from '../support/stores.js';

describe('acquire, tryAcquire and the lock', () => {
  onEveryStore((store) => {
    it('a lock without expire and owner is renewed', async () => {
      const [locking, other] = [await store.open({ expire: '1s' }), await store.open()];
      const lock = await locking.acquire('a');
      await expect(other.acquire('a', { timeout: '1.5s' })).rejects.toThrow(/held by another (process|caller)/);
      expect(lock.held).toBe(true);
      expect(await lock.release()).toBe(true);
    });

    it('a lock with expire of 1500ms is held for exactly that time, and not renewed', async () => {
      const locking = await store.open();
      const lock = await locking.acquire('a', { expire: '1500ms' });
      const ttl = (await locking.inspect('a'))?.ttl ?? 0;
      expect(ttl).toBeLessThanOrEqual(1500);
      expect(ttl).toBeGreaterThan(1300);
      expect(lock.remaining).toBeLessThanOrEqual(1500);
      await eventually(() => lock.signal.aborted);
      expect(lock.signal.reason).toBeInstanceOf(LockLostError);
      expect(lock).toMatchObject({ held: false, remaining: 0 });
    });

    it('a lock is not trusted longer than the store keeps it', async () => {
      const locking = await store.open();
      const lock = await locking.acquire('a', { expire: '300ms' });
      while (lock.held) {
        const stored = await locking.inspect('a');
        // The process may stand still in between: only a lock that is held even now was held when the store answered.
        const { remaining } = lock;
        if (remaining > 0) expect(stored).not.toBeNull();
      }
      const lease = await locking.inspect('a');
      expect(lease === null || (lease.ttl ?? Infinity) < 50).toBe(true);
    });

    it('a fixed lease is renewed with renew: true', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      const lock = await locking.acquire('a', { expire: '1s', renew: true });
      await expect(other.acquire('a', { timeout: '1.5s' })).rejects.toThrow(/held by another (process|caller)/);
      await lock.release();
    });

    it('extend makes a lease longer, never shorter', async () => {
      const locking = await store.open();
      const lock = await locking.acquire('a', { expire: '10s' });
      expect(await lock.extend('1s')).toBe(true);
      expect(lock.remaining).toBeGreaterThan(8000);
      expect(await lock.extend('1m')).toBe(true);
      expect(lock.remaining).toBeGreaterThan(50_000);
      expect((await locking.inspect('a'))?.ttl).toBeGreaterThan(50_000);
      await lock.release();
      expect(await lock.extend('1m')).toBe(false);
    });

    it('extend finds out that the lock was lost', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      const lock = await locking.acquire('a');
      await other.forceRelease('a');
      expect(await lock.extend()).toBe(false);
      expect(lock.signal.aborted).toBe(true);
      expect(await lock.release()).toBe(false);
    });

    it('a second release has the result of the first', async () => {
      const locking = await store.open();
      const lock = await locking.acquire('a');
      expect(await lock.release()).toBe(true);
      const next = await locking.acquire('a');
      expect(await lock.release()).toBe(true);
      expect(next.held).toBe(true);
      expect(await locking.inspect('a')).not.toBeNull();
      expect(lock.signal.aborted).toBe(false);
    });

    it('`await using` releases a lock at the end of its scope', async () => {
      const locking = await store.open();
      {
        await using lock = await locking.acquire('a');
        expect(lock.held).toBe(true);
      }
      expect(await locking.inspect('a')).toBeNull();
    });

    it('tryAcquire returns null for a held key, at once', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      const lock = await locking.tryAcquire('a');
      expect(lock?.held).toBe(true);
      expect(await locking.tryAcquire('a')).toBeNull();
      expect(await other.tryAcquire(['b', 'a'])).toBeNull();
      await lock?.release();
      expect(await other.tryAcquire('a')).not.toBeNull();
    });

    it('one of many concurrent tryAcquire calls succeeds', async () => {
      const services = await Promise.all([store.open(), store.open()]);
      const locks = await Promise.all(Array.from({ length: 20 }, (_, index) => services[index % 2]!.tryAcquire('a')));
      expect(locks.filter((lock) => lock !== null)).toHaveLength(1);
    });

    it('an aborted signal ends the wait at once, and leaves nothing', async () => {
      const [holder, waiter] = [await store.open(), await store.open()];
      const lock = await holder.acquire('a');
      const abort = new AbortController();
      const reason = new Error('no longer wanted');
      const waiting = waiter.acquire('a', { signal: abort.signal, timeout: '20s' });
      abort.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await expect(waiter.acquire('b', { signal: abort.signal })).rejects.toBe(reason);
      await lock.release();
      expect(await holder.inspect('a')).toBeNull();
      expect(await holder.inspect('b')).toBeNull();
    });

    it('the next waiter is served when one before it has cancelled', async () => {
      const locking = await store.open();
      const lock = await locking.acquire('a');
      const abort = new AbortController();
      const first = locking.acquire('a', { signal: abort.signal });
      const second = locking.acquire('a', { timeout: '3s' });
      abort.abort();
      await expect(first).rejects.toThrow();
      await lock.release();
      expect((await second).held).toBe(true);
    });

    it.each([
      [{ timeout: 5000 }, "Write '5000ms'"],
      [{ expire: 0 }, 'at least 1 ms'],
      [{ expire: 'soon' }, 'is not a length of time'],
      [{ maxHold: -1 }, 'is not a length of time'],
      [{ ttl: 5 }, '"ttl" is not an option of a lock'],
    ])('the options %j are refused before anything is locked', async (options, message) => {
      const locking = await store.open();
      const call = locking.acquire('a', options as never);
      await expect(call).rejects.toBeInstanceOf(LockConfigurationError);
      await expect(call).rejects.toThrow(message);
      expect(await locking.inspect('a')).toBeNull();
    });
  });
});
