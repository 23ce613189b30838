import { describe, expect, it } from '@jest/globals';
import { LockKeyError, LockTimeoutError, type LockInfo, type LockingService } from '../../lib/index.js';
import { onEveryStore } from '../support/stores.js';

async function held(locking: LockingService): Promise<string[]> {
  const infos: LockInfo[] = [];
  for await (const info of locking.list()) infos.push(info);
  return infos.map(({ key }) => key).sort();
}

describe('several keys at once', () => {
  onEveryStore((store) => {
    it("execute(['a','b']) against execute(['b','a']), a thousand times, never deadlocks", async () => {
      const services = await Promise.all([store.open(), store.open()]);
      let inside = 0;
      let most = 0;
      let done = 0;
      const job = async (): Promise<void> => {
        most = Math.max(most, (inside += 1));
        await Promise.resolve();
        inside -= 1;
        done += 1;
      };
      await Promise.all(
        services.flatMap((locking, index) =>
          Array.from({ length: 500 }, () => locking.execute(index ? ['b', 'a'] : ['a', 'b'], job, { timeout: '25s' })),
        ),
      );
      expect({ most, done }).toEqual({ most: 1, done: 1000 });
      expect(await held(services[0])).toEqual([]);
    });

    it("execute(['e','e']) works", async () => {
      const locking = await store.open();
      expect(await locking.execute(['e', 'e'], ({ keys }) => keys)).toEqual(['e']);
    });

    it('a lock of several keys holds all of them, each with a token', async () => {
      const locking = await store.open();
      await locking.execute(['c', 'a', 'b'], async (lock) => {
        expect(lock.keys).toEqual(['a', 'b', 'c']);
        expect(await held(locking)).toEqual(['a', 'b', 'c']);
        const tokens = lock.keys.map((key) => lock.fencingTokenFor(key));
        expect(lock.fencingToken).toBe(Math.max(...tokens));
        expect(() => lock.fencingTokenFor('d')).toThrow(LockKeyError);
      });
      expect(await held(locking)).toEqual([]);
    });

    it('a call for several keys leaves nothing held if one of them is not free', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      await other.acquire('b');
      expect(await locking.tryAcquire(['a', 'b', 'c'])).toBeNull();
      await expect(locking.acquire(['a', 'b', 'c'], { timeout: '100ms' })).rejects.toBeInstanceOf(LockTimeoutError);
      expect(await held(locking)).toEqual(['b']);
    });

    it('a nested call frees the keys that it joined or acquired if a later one fails', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      await other.acquire('b');
      await locking.execute('a', async (outer) => {
        await expect(locking.acquire(['a', 'b'], { timeout: 0 })).rejects.toBeInstanceOf(LockTimeoutError);
        expect(outer.held).toBe(true);
      });
      expect(await held(locking)).toEqual(['b']);
    });

    it('a lock of several keys is no longer held if one is released by key, but keeps the others in the store', async () => {
      const locking = await store.open();
      const lock = await locking.acquire(['a', 'b']);
      expect(await locking.release('a')).toBe(true);
      expect(lock.held).toBe(false);
      expect(lock.signal.aborted).toBe(true);
      expect(await held(locking)).toEqual(['b']);
      expect(await locking.release('b')).toBe(true);
      expect(await held(locking)).toEqual([]);
    });

    it('release() frees the other keys of a lock after one was released by key', async () => {
      const locking = await store.open();
      const lock = await locking.acquire(['a', 'b']);
      await locking.release('a');
      expect(await lock.release()).toBe(false);
      expect(await held(locking)).toEqual([]);
    });

    it.each([
      [[], 'No key was given'],
      ['', 'must not be empty'],
      [['a', ''], 'must not be empty'],
      [[1], 'must be a string, not of type number'],
      [undefined, 'must be a string, not of type undefined'],
      [null, 'must be a string, not null'],
      ['nestjs-locking:fence', 'belong to this package'],
      ['a\ud800', 'half of a surrogate pair'],
    ])('the keys %j are refused before anything is locked', async (keys, message) => {
      const locking = await store.open();
      const call = locking.execute(keys as string, () => undefined);
      await expect(call).rejects.toBeInstanceOf(LockKeyError);
      await expect(call).rejects.toThrow(message);
      expect(await held(locking)).toEqual([]);
    });
  });
});
