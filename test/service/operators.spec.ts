import { describe, expect, it } from '@jest/globals';
import {
  InMemoryLockingProvider,
  LockConfigurationError,
  LockLostError,
  MemoryLockStore,
  type Lock,
  type LockInfo,
} from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/poll.js';
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

    it('forceRelease with seen, its owner and token, or a copy of it, tells the holders of one lease from each other', async () => {
      const locking = await store.open();
      const held = [deferred<Lock>(), deferred<Lock>(), deferred<Lock>()];
      const ends = [deferred(), deferred(), deferred()];
      const jobs = held.map(async (holder, index) =>
        locking.execute('a', async (lock) => {
          holder.resolve(lock);
          await ends[index]!.promise;
        }),
      );
      await held[0]!.promise;
      const seen = (await locking.inspect('a'))!;
      ends[0]!.resolve();
      const second = await held[1]!.promise;
      const copiesOf = (shown: LockInfo) => {
        const { ownerId, fencingToken } = shown;
        return [shown, { ownerId, fencingToken }, structuredClone(shown)];
      };
      for (const copy of copiesOf(seen)) expect(await locking.forceRelease('a', { seen: copy })).toBe(0);
      expect(second.signal.aborted).toBe(false);

      const present = (await locking.inspect('a'))!;
      expect(await locking.forceRelease('a', { seen: structuredClone(present) })).toBe(1);
      expect(second.signal.aborted).toBe(true);
      for (const copy of copiesOf(present)) expect(await locking.forceRelease('a', { seen: copy })).toBe(0);
      ends[1]!.resolve();
      await expect(jobs[1]).rejects.toBeInstanceOf(LockLostError);
      expect((await held[2]!.promise).signal.aborted).toBe(false);
      ends[2]!.resolve();
      await Promise.all([jobs[0], jobs[2]]);
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

describe('forceRelease whose request reaches the store after the release of the job that it has ended', () => {
  let revoking = deferred();

  class LateRevocation extends InMemoryLockingProvider {
    override async revokeSeen(seen: Parameters<InMemoryLockingProvider['revokeSeen']>[0]): Promise<boolean> {
      await revoking.promise;
      return super.revokeSeen(seen);
    }

    override async revoke(keys: readonly string[]): Promise<number> {
      await revoking.promise;
      return super.revoke(keys);
    }
  }

  const applications = useApplications();

  it.each([true, false])('answers that it has ended the job (with seen: %p)', async (withSeen) => {
    revoking = deferred();
    const providers = [{ resolve: LateRevocation, options: { store: new MemoryLockStore() } }];
    const { locking } = await applications.withLocks({ providers });
    const [begun, end] = [deferred<Lock>(), deferred()];
    const job = locking.execute('a', async (lock) => {
      begun.resolve(lock);
      await end.promise;
    });
    const lock = await begun.promise;
    const seen = (await locking.inspect('a'))!;
    const answer = locking.forceRelease('a', withSeen ? { seen } : {});
    await eventually(() => lock.signal.aborted);
    end.resolve();
    await expect(job).rejects.toBeInstanceOf(LockLostError);
    await eventually(async () => (await locking.inspect('a')) === null);
    revoking.resolve();
    expect(await answer).toBe(1);
  });
});
