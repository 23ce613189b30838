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
