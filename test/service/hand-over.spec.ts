import { describe, expect, it } from '@jest/globals';
import { LockConfigurationError, LockKeyError, LockLostError } from '../../lib/index.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { onEveryStore } from '../support/stores.js';

describe('a lock that is handed to another process', () => {
  onEveryStore((store) => {
    it('is held there with a greater token, and no longer here, and no third process gets it in between', async () => {
      const [here, there] = [await store.open({}, 'here'), await store.open({}, 'there')];
      const lock = await here.acquire(['a', 'b'], { expire: '1m', label: 'import' });
      const text = await lock.serialize();
      expect(lock.held).toBe(false);
      expect(await lock.release()).toBe(false);
      for (const locking of [here, there]) expect(await locking.tryAcquire('a')).toBeNull();

      const restored = await there.restore(text, { label: 'import, second half' });
      expect(restored?.held).toBe(true);
      expect(restored?.ownerId).toBe(lock.ownerId);
      for (const key of ['a', 'b']) {
        expect(restored?.fencingTokenFor(key)).toBeGreaterThan(lock.fencingTokenFor(key));
      }
      expect(await here.tryAcquire('a')).toBeNull();
      expect(await restored?.release()).toBe(true);
      expect(await (await here.acquire('a')).release()).toBe(true);
    });

    it('of an instance with the longest name that there is is restored, extended and released by its owner', async () => {
      const [here, there] = [await store.open({}, '漢'.repeat(128)), await store.open({}, '字'.repeat(128))];
      const lock = await here.acquire('a', { expire: '1m', label: '鍵'.repeat(100) });
      const waiting = there.acquire('a', { timeout: '1m' });
      await eventually(async () => (await here.inspect('a'))?.queue.length === 1);
      expect(await here.extend('a', { ownerId: lock.ownerId, expire: '2m' })).toBe(true);
      const restored = await there.restore(await lock.serialize());
      expect(restored?.ownerId).toBe(lock.ownerId);
      expect(await here.inspect('a')).toMatchObject({ instanceId: '漢'.repeat(128), label: '鍵'.repeat(100) });
      expect(await there.release('a', { ownerId: lock.ownerId })).toBe(true);
      expect((await waiting).held).toBe(true);
    });

    it('is restored once: its token has changed by then', async () => {
      const [here, there] = [await store.open(), await store.open()];
      const text = await (await here.acquire('a')).serialize();
      const restored = await there.restore(text);
      expect(restored?.held).toBe(true);
      expect(await here.restore(text)).toBeNull();
      expect(await restored?.release()).toBe(true);
      expect(await there.restore(text)).toBeNull();
      expect(await there.inspect('a')).toBeNull();
    });

    it('is held by one of several calls of restore at the same moment in one process', async () => {
      const [here, there] = [await store.open(), await store.open()];
      const text = await (await here.acquire(['a', 'b'], { expire: '1m' })).serialize();
      const restored = await Promise.all([1, 2, 3].map(async () => there.restore(text)));
      const locks = restored.filter((lock) => lock !== null);
      expect(locks.map(({ held }) => held)).toEqual([true]);
      expect(await locks[0]!.release()).toBe(true);
      expect(await there.inspect('a')).toBeNull();
      const again = await (await here.acquire('a', { expire: '1m' })).serialize();
      expect((await there.restore(again))?.held).toBe(true);
    });

    it('is gone for good when it was revoked or has expired meanwhile, also if another holder has it', async () => {
      const [here, there] = [await store.open(), await store.open()];
      const revoked = await (await here.acquire('a', { expire: '1m' })).serialize();
      expect(await there.forceRelease('a')).toBe(1);
      expect(await there.restore(revoked)).toBeNull();
      expect(await there.inspect('a')).toBeNull();
      const other = await here.acquire('a');
      expect(await there.restore(revoked)).toBeNull();
      expect(other.held).toBe(true);
    });

    it('of a waiter that got it within its process is restored, while the next waiter there waits for the store', async () => {
      const [here, there] = [await store.open(), await store.open()];
      const first = await here.acquire('a');
      const [second, third] = [here.acquire('a', { timeout: '1m' }), here.acquire('a', { timeout: '1m' })];
      await first.release();
      const text = await (await second).serialize();
      const restored = await there.restore(text);
      expect(restored?.held).toBe(true);
      await restored?.release();
      expect((await third).held).toBe(true);
    });

    it('outlives the process that gave it up', async () => {
      const [application, there] = [await store.openApplication(), await store.open()];
      const { LockingService } = await import('../../lib/index.js');
      const text = await (await application.get(LockingService).acquire('a', { expire: '1m' })).serialize();
      await application.close();
      expect(await there.tryAcquire('a')).toBeNull();
      expect((await there.restore(text))?.held).toBe(true);
    });
  });

  onEveryStore((store) => {
    it('cannot be the lock of a job, a shared one, or one that is over', async () => {
      const locking = await store.open();
      await locking.execute('a', async (lock) => {
        await expect(lock.serialize()).rejects.toThrow(LockConfigurationError);
        const inner = await locking.acquire('a');
        await expect(inner.serialize()).rejects.toThrow(/cannot be handed to another process/);
        await inner.release();
        expect(lock.held).toBe(true);
      });
      const over = await locking.acquire('b');
      await over.release();
      await expect(over.serialize()).rejects.toBeInstanceOf(LockLostError);
      await expect(over.serialize()).rejects.toThrow('"b" is no longer held: this lock was released.');
      const given = await locking.acquire('c', { expire: '1m' });
      const both = await Promise.allSettled([given.serialize(), given.serialize()]);
      expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      const message = '"c" is no longer held here: lock.serialize() has given this lock up already.';
      await expect(given.serialize()).rejects.toThrow(message);
      expect((both[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'LOCK_LOST' });
      expect(String((both[1] as PromiseRejectedResult).reason)).toContain(message);
    });

    it.each([
      'x',
      '',
      7,
      null,
      '{}',
      '[]',
      'null',
      JSON.stringify({ nestjsLocking: 2, ownerId: 'o', tokens: [['a', 1]] }),
      JSON.stringify({ nestjsLocking: 1, ownerId: 'o', tokens: [] }),
      JSON.stringify({ nestjsLocking: 1, ownerId: 'o', tokens: [['a', '1']] }),
      JSON.stringify({ nestjsLocking: 1, ownerId: '', tokens: [['a', 1]] }),
      JSON.stringify({ nestjsLocking: 1, ownerId: 7, tokens: [['a', 1]] }),
      JSON.stringify({ nestjsLocking: 1, tokens: [['a', 1]] }),
    ])('is not restored from %j', async (text) => {
      const locking = await store.open();
      await expect(locking.restore(text as string)).rejects.toThrow(LockConfigurationError);
    });

    it('is not restored on a key of an election', async () => {
      const locking = await store.open();
      const text = JSON.stringify({ nestjsLocking: 1, ownerId: 'o', tokens: [['leader:x', 1]] });
      await expect(locking.restore(text)).rejects.toBeInstanceOf(LockKeyError);
    });
  });
});

describe('assertLocked', () => {
  onEveryStore((store) => {
    it('passes inside a job that holds the keys, and after that no longer', async () => {
      const locking = await store.open();
      await locking.execute(['a', 'b'], async () => {
        locking.assertLocked('a');
        await locking.execute('c', async () => {
          await Promise.resolve();
          locking.assertLocked(['a', 'b', 'c']);
        });
        expect(() => {
          locking.assertLocked(['a', 'c']);
        }).toThrow('"c"');
      });
      expect(() => {
        locking.assertLocked('a');
      }).toThrow(LockConfigurationError);
      expect(() => {
        locking.assertLocked('a');
      }).toThrow(/^No job around this call holds "a".* @WithLock/);
    });

    it('throws what became of a lock that was lost', async () => {
      const locking = await store.open();
      const run = locking.execute('a', async () => {
        await locking.forceRelease('a');
        locking.assertLocked('a');
      });
      const error = await rejectionOf(run);
      expect(error).toBeInstanceOf(LockLostError);
      expect((error as LockLostError).outcome).toMatchObject({ reason: { code: 'LOCK_LOST' } });
    });
  });
});
