import { describe, expect, it } from '@jest/globals';
import { LockTimeoutError, type Lock } from '../../lib/index.js';
import { deferred } from '../support/deferred.js';
import { onEveryStore } from '../support/stores.js';

describe('reentrancy', () => {
  onEveryStore((store) => {
    it('a nested call joins the lock of the job around it, however deep', async () => {
      const locking = await store.open();
      await locking.execute('a', async (outer) => {
        await locking.execute('b', async () => {
          await Promise.resolve();
          await locking.execute('a', async (inner) => {
            expect(inner.fencingToken).toBe(outer.fencingToken);
            expect(inner.ownerId).toBe(outer.ownerId);
          });
          expect(await locking.inspect('a')).not.toBeNull();
        });
      });
      expect(await locking.inspect('a')).toBeNull();
    });

    it('a nested call joins the keys that are held and acquires the others', async () => {
      const locking = await store.open();
      await locking.execute('b', async (outer) => {
        await locking
          .execute(['a', 'b', 'c'], async (inner) => {
            expect(inner.keys).toEqual(['a', 'b', 'c']);
            expect(inner.fencingTokenFor('b')).toBe(outer.fencingToken);
            expect(inner.fencingTokenFor('a')).toBeGreaterThan(outer.fencingToken);
            await locking.forceRelease('c');
            expect(inner.signal.aborted).toBe(true);
            expect(inner.held).toBe(false);
            expect(outer.held).toBe(true);
          })
          .catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'LOCK_LOST' });
          });
        expect(await locking.inspect('a')).toBeNull();
        expect(await locking.inspect('b')).not.toBeNull();
      });
    });

    it('the key is freed with the last lock that joined, not with the first', async () => {
      const locking = await store.open();
      const kept = await locking.execute('a', async () => locking.acquire('a'));
      expect(kept.held).toBe(true);
      expect(await locking.inspect('a')).not.toBeNull();
      expect(await kept.release()).toBe(true);
      expect(await locking.inspect('a')).toBeNull();
    });

    it('a nested call with reentrant: false waits like any other', async () => {
      const locking = await store.open();
      await locking.execute('a', async () => {
        const inner = locking.execute('a', () => undefined, { reentrant: false, timeout: '100ms' });
        await expect(inner).rejects.toBeInstanceOf(LockTimeoutError);
      });
    });

    it('a nested call for another owner does not join', async () => {
      const locking = await store.open();
      await locking.execute(
        'a',
        async () => {
          await locking.execute('a', () => undefined, { ownerId: 'one', timeout: 0 });
          const inner = locking.execute('a', () => undefined, { ownerId: 'two', timeout: 0 });
          await expect(inner).rejects.toBeInstanceOf(LockTimeoutError);
        },
        { ownerId: 'one' },
      );
    });

    it('a call does not join the lock of a job that has ended', async () => {
      const locking = await store.open();
      const goOn = deferred();
      let late: Promise<Lock | null> | undefined;
      await locking.execute('a', () => {
        late = goOn.promise.then(() => {
          expect(locking.current()).toBeUndefined();
          return locking.tryAcquire('a');
        });
      });
      const lock = await locking.acquire('a');
      goOn.resolve();
      expect(await late).toBeNull();
      expect(lock.held).toBe(true);
    });

    it('calls that merely run at the same time do not join each other', async () => {
      const locking = await store.open();
      const inside = deferred();
      const leave = deferred();
      const first = locking.execute('a', async () => {
        inside.resolve();
        await leave.promise;
      });
      await inside.promise;
      expect(await locking.tryAcquire('a')).toBeNull();
      leave.resolve();
      await first;
    });

    it('a nested call does not join a lock that is lost', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      const run = locking.execute('a', async () => {
        await locking.forceRelease('a');
        await other.acquire('a');
        expect(await locking.tryAcquire('a')).toBeNull();
      });
      await expect(run).rejects.toMatchObject({ code: 'LOCK_LOST' });
    });

    it('current() returns the innermost lock of the call chain', async () => {
      const locking = await store.open();
      expect(locking.current()).toBeUndefined();
      await locking.execute('a', async (outer) => {
        expect(locking.current()).toBe(outer);
        await locking.execute('b', async (inner) => {
          await Promise.resolve();
          expect(locking.current()).toBe(inner);
        });
        expect(locking.current()).toBe(outer);
      });
      expect(locking.current()).toBeUndefined();
    });
  });
});
