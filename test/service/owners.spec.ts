import { describe, expect, it } from '@jest/globals';
import { LockConfigurationError, LockTimeoutError } from '../../lib/index.js';
import { eventually } from '../support/poll.js';
import { onEveryStore } from '../support/stores.js';

describe('owners', () => {
  onEveryStore((store) => {
    it('another owner cannot release or extend a lock', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      await locking.acquire('a', { ownerId: 'one', expire: '5s' });
      for (const service of [locking, other]) {
        expect(await service.release('a', { ownerId: 'two' })).toBe(false);
        expect(await service.extend('a', { ownerId: 'two', expire: '1m' })).toBe(false);
      }
      expect(await other.release('a')).toBe(false);
      expect(await locking.inspect('a')).toMatchObject({ ownerId: 'one' });
      expect((await locking.inspect('a'))?.ttl).toBeLessThanOrEqual(5000);
      expect(await other.release('a', { ownerId: 'one' })).toBe(true);
      expect(await locking.inspect('a')).toBeNull();
    });

    it('the same owner may acquire its key again, from any instance, and never loses the time to live', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      const first = await locking.acquire('a', { ownerId: 'one', expire: '30s' });
      const second = await other.acquire('a', { ownerId: 'one', expire: '2s', timeout: 0 });
      expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
      expect((await locking.inspect('a'))?.ttl).toBeGreaterThan(20_000);
      await other.acquire('a', { ownerId: 'one', expire: '60s' });
      expect((await locking.inspect('a'))?.ttl).toBeGreaterThan(50_000);
      await expect(locking.acquire('a', { ownerId: 'two', timeout: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
    });

    it('a lock with an owner and without expire never expires, also if it is acquired again with one', async () => {
      const locking = await store.open();
      const lock = await locking.acquire('a', { ownerId: 'one' });
      expect(lock.remaining).toBe(Infinity);
      expect((await locking.inspect('a'))?.ttl).toBeNull();
      await locking.acquire('a', { ownerId: 'one', expire: '1s' });
      expect((await locking.inspect('a'))?.ttl).toBeNull();
    });

    it('the key is freed when the last lock of the owner in this instance is released', async () => {
      const locking = await store.open();
      const first = await locking.acquire('a', { ownerId: 'one' });
      const second = await locking.acquire(['a', 'b'], { ownerId: 'one' });
      expect(await first.release()).toBe(true);
      expect(await locking.inspect('a')).toMatchObject({ ownerId: 'one' });
      expect(await second.release()).toBe(true);
      expect(await locking.inspect('a')).toBeNull();
      expect(await locking.inspect('b')).toBeNull();
    });

    it('a release does not free a newer grant of the same owner in another instance', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      const old = await locking.acquire('a', { ownerId: 'one' });
      const newer = await other.acquire('a', { ownerId: 'one' });
      await old.release();
      expect(await other.inspect('a')).toMatchObject({ fencingToken: newer.fencingToken });
      expect(await newer.release()).toBe(true);
      expect(await locking.inspect('a')).toBeNull();
    });

    it('an owner passes the waiters for its own lock', async () => {
      const locking = await store.open();
      const first = await locking.acquire('a', { ownerId: 'one' });
      const waiting = locking.acquire('a', { timeout: '5s' });
      const second = await locking.acquire('a', { ownerId: 'one', timeout: '1s' });
      await first.release();
      await second.release();
      await (await waiting).release();
    });

    it('execute and acquire lock the same keys', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      const lock = await locking.acquire('a');
      await expect(other.execute('a', () => 1, { timeout: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
      await lock.release();
      await locking.execute('a', async () => {
        expect(await other.tryAcquire('a')).toBeNull();
      });
    });

    it('release without an owner releases the locks of this instance only', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      await locking.acquire('mine');
      await locking.acquire('mine too', { ownerId: 'one' });
      await other.acquire('theirs');
      expect(await locking.release(['mine', 'theirs'])).toBe(false);
      expect(await locking.inspect('mine')).toBeNull();
      expect(await locking.inspect('theirs')).not.toBeNull();
      expect(await locking.releaseAll()).toBe(1);
      expect(await locking.inspect('mine too')).toBeNull();
      expect(await locking.inspect('theirs')).not.toBeNull();
    });

    it("releaseAll releases all of an owner's locks, whichever instance acquired them", async () => {
      const [locking, other] = [await store.open(), await store.open()];
      await locking.acquire(['a', 'b'], { ownerId: 'one' });
      await other.acquire('c', { ownerId: 'one', expire: '1m' });
      await other.acquire('d', { ownerId: 'two' });
      expect(await locking.releaseAll({ ownerId: 'one' })).toBe(3);
      expect(await locking.releaseAll({ ownerId: 'one' })).toBe(0);
      expect(await locking.inspect('d')).not.toBeNull();
    });

    it('extend by owner id extends all keys or none, and the lock knows', async () => {
      const locking = await store.open();
      const lock = await locking.acquire(['a', 'b'], { ownerId: 'one', expire: '2s' });
      expect(await locking.extend(['a', 'b'], { ownerId: 'one', expire: '1m' })).toBe(true);
      expect(lock.remaining).toBeGreaterThan(50_000);
      expect(await locking.extend(['a', 'c'], { ownerId: 'one', expire: '10m' })).toBe(false);
      expect((await locking.inspect('a'))?.ttl).toBeLessThan(70_000);
    });

    it('a lock learns that its owner released it elsewhere', async () => {
      const [locking, other] = [await store.open({ expire: '150ms' }), await store.open()];
      const lock = await locking.acquire('a', { ownerId: 'one' });
      await other.release('a', { ownerId: 'one' });
      await eventually(() => lock.signal.aborted);
      expect(lock.held).toBe(false);
    });

    it('an invalid owner id is refused', async () => {
      const locking = await store.open();
      const empty = { ownerId: '', expire: 1 };
      await expect(locking.acquire('a', empty)).rejects.toBeInstanceOf(LockConfigurationError);
      await expect(locking.release('a', empty)).rejects.toBeInstanceOf(LockConfigurationError);
      await expect(locking.releaseAll(empty)).rejects.toBeInstanceOf(LockConfigurationError);
      await expect(locking.extend('a', empty)).rejects.toBeInstanceOf(LockConfigurationError);
      await expect(locking.extend('a', { expire: 1 } as never)).rejects.toThrow('only the owner may extend');
    });
  });
});
