import { describe, expect, it } from '@jest/globals';
import { LockConfigurationError, LockLostError } from '../../lib/index.js';
import { deferred } from '../support/deferred.js';
import { onEveryStore } from '../support/stores.js';

describe('the calls for operators', () => {
  onEveryStore((store) => {
    it('inspect shows the holder and the waiters of a key', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      expect(await locking.inspect('a')).toBeNull();
      const lock = await locking.acquire('a', { ownerId: 'one', expire: '1m' });
      const waiting = [locking.acquire('a'), locking.acquire('a')];
      const info = await locking.inspect('a');
      expect(info).toMatchObject({ key: 'a', ownerId: 'one', fencingToken: lock.fencingToken, waiters: 2 });
      expect(info?.ttl).toBeGreaterThan(50_000);
      expect(await other.inspect('a')).toMatchObject({ ownerId: 'one' });
      await lock.release();
      for (const next of waiting) await (await next).release();
    });

    it.each([7, null, ['a'], {}])('list refuses a match that is no glob: %p', async (match) => {
      const locking = await store.open();
      expect(() => locking.list({ match: match as never })).toThrow(/^list: match must be a glob over the keys/);
    });

    it('list returns the keys that match', async () => {
      const locking = await store.open();
      await locking.acquire(['order:1', 'order:2', 'stock:1']);
      const keys: string[] = [];
      for await (const { key, waiters } of locking.list({ match: 'order:*' })) {
        keys.push(key);
        expect(waiters).toBe(0);
      }
      expect(keys.sort()).toEqual(['order:1', 'order:2']);
    });

    it('forceRelease frees a lock of any owner, aborts its signal and serves the waiters', async () => {
      const locking = await store.open();
      const lock = await locking.acquire('a', { ownerId: 'one' });
      const waiting = locking.acquire('a', { timeout: '5s' });
      expect(await locking.forceRelease(['a', 'b'])).toBe(1);
      expect(lock.signal.reason).toBeInstanceOf(LockLostError);
      expect((await waiting).held).toBe(true);
      expect(await lock.release()).toBe(false);
      expect(await locking.inspect('a')).not.toBeNull();
    });

    it('forceRelease with seen frees the lock of the holder that was seen, here and elsewhere', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      for (const operator of [locking, other]) {
        for (const options of [{}, { ownerId: 'one' }]) {
          const lock = await locking.acquire('a', options);
          const seen = (await operator.inspect('a'))!;
          expect(await operator.forceRelease('a', { seen })).toBe(1);
          if (operator === locking) expect(lock.signal.reason).toBeInstanceOf(LockLostError);
          expect(await operator.forceRelease('a', { seen })).toBe(0);
          expect(await lock.release()).toBe(false);
        }
      }
    });

    it('forceRelease with seen leaves the key to a holder that has come since', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      for (const operator of [locking, other]) {
        for (const options of [{}, { ownerId: 'one' }]) {
          const first = await locking.acquire('a', options);
          const seen = (await operator.inspect('a'))!;
          await first.release();
          expect(await operator.forceRelease('a', { seen })).toBe(0);
          const second = await locking.acquire('a', { ...options, label: 'second' });
          expect(await operator.forceRelease('a', { seen })).toBe(0);
          expect(second.held).toBe(true);
          expect(await operator.forceRelease('a', { seen: { ...seen, ownerId: 'another' } })).toBe(0);
          expect(second.held).toBe(true);
          expect(await second.release()).toBe(true);
        }
      }
    });

    it('forceRelease with seen leaves a lease that was handed on here since, and frees it from the holder seen', async () => {
      const locking = await store.open();
      const [started, goOn] = [deferred(), deferred()];
      const first = locking.execute('a', async () => {
        started.resolve();
        await goOn.promise;
      });
      await started.promise;
      const [inSecond, end] = [deferred(), deferred()];
      const second = locking.execute('a', async ({ signal }) => {
        inSecond.resolve();
        await end.promise;
        return signal.aborted;
      });
      const seenFirst = (await locking.inspect('a'))!;
      goOn.resolve();
      await first;
      await inSecond.promise;
      expect(await locking.forceRelease('a', { seen: seenFirst })).toBe(0);
      const seenSecond = (await locking.inspect('a'))!;
      expect(seenSecond.fencingToken).toBeGreaterThan(seenFirst.fencingToken!);
      expect(await locking.forceRelease('a', { seen: seenSecond })).toBe(1);
      end.resolve();
      await expect(second).rejects.toMatchObject({ outcome: { value: true } });
    });

    it('forceRelease refuses a seen that is no holder, or several keys with it', async () => {
      const locking = await store.open();
      const seen = { ownerId: 'one', fencingToken: 1 };
      await expect(locking.forceRelease(['a', 'b'], { seen })).rejects.toThrow('release one key at a time');
      for (const bad of [null, 'one', { ownerId: 'one' }, { ownerId: 1, fencingToken: null }]) {
        await expect(locking.forceRelease('a', { seen: bad as never })).rejects.toThrow('seen must be a holder');
      }
    });

    it('forceRelease in one instance reaches the holder in another at its next check', async () => {
      const [locking, other] = [await store.open({ expire: '150ms' }), await store.open()];
      const aborted = deferred<unknown>();
      const run = locking.execute('a', async ({ signal }) => {
        signal.addEventListener('abort', () => aborted.resolve(signal.reason));
        await other.forceRelease('a');
        expect(await aborted.promise).toBeInstanceOf(LockLostError);
      });
      await expect(run).rejects.toBeInstanceOf(LockLostError);
    });

    it('the error for an unknown provider names the known ones', async () => {
      const locking = await store.open();
      expect(() => locking.provider('nowhere')).toThrow('Configured are: ');
      await expect(locking.execute('a', () => 1, { provider: 'nowhere' })).rejects.toBeInstanceOf(
        LockConfigurationError,
      );
    });
  });
});
