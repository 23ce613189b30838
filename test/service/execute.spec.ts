import { describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { LockLostError, LockTimeoutError } from '../../lib/index.js';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/poll.js';
import { onEveryStore } from '../support/stores.js';

describe('LockingService.execute', () => {
  onEveryStore((store) => {
    it('ten parallel purchases never oversell a stock of five', async () => {
      const shops = await Promise.all([store.open(), store.open()]);
      let stock = 5;
      const buy = async (index: number): Promise<boolean> =>
        shops[index % 2]!.execute('stock:7', async () => {
          const seen = stock;
          await turn();
          if (seen === 0) return false;
          stock = seen - 1;
          return true;
        });
      const bought = await Promise.all(Array.from({ length: 10 }, (_, index) => buy(index)));
      expect(bought.filter(Boolean)).toHaveLength(5);
      expect(stock).toBe(0);
    });

    it("execute resolves with the job's own result", async () => {
      const locking = await store.open();
      const result = { id: 1 };
      expect(await locking.execute('a', () => result)).toBe(result);
      expect(await locking.execute('a', async () => undefined)).toBeUndefined();
    });

    it.each(['thrown', 'rejected'])("passes the job's own error through, %s, and frees the key", async (how) => {
      const locking = await store.open();
      const error = new Error('declined');
      const job = (): Promise<never> => {
        if (how === 'thrown') throw error;
        return Promise.reject(error);
      };
      await expect(locking.execute('a', job)).rejects.toBe(error);
      expect(await locking.inspect('a')).toBeNull();
    });

    it('callers of one instance are served first come, first served', async () => {
      const locking = await store.open();
      const order: number[] = [];
      await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          locking.execute('a', async () => {
            await turn();
            order.push(index);
          }),
        ),
      );
      expect(order).toEqual(Array.from({ length: 30 }, (_, index) => index));
    });

    it('jobs of different keys run at the same time', async () => {
      const locking = await store.open();
      const meeting = deferred();
      await Promise.all([
        locking.execute('a', () => meeting.promise),
        locking.execute('b', () => {
          meeting.resolve();
        }),
      ]);
    });

    it('execute rejects if the key stays held, and does not run the job', async () => {
      const [holder, waiter] = [await store.open(), await store.open()];
      await holder.acquire('a');
      let ran = false;
      const run = waiter.execute('a', () => (ran = true), { timeout: '150ms' });
      await expect(run).rejects.toMatchObject({
        name: 'LockTimeoutError',
        code: 'LOCK_TIMEOUT',
        keys: ['a'],
        timeout: 150,
      });
      expect(ran).toBe(false);
    });

    it('a call without a timeout waits as long as waitLockingTimeout says', async () => {
      const [holder, waiter] = [await store.open(), await store.open({ waitLockingTimeout: '80ms' })];
      await holder.acquire('a');
      const error = await waiter.execute('a', () => undefined).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LockTimeoutError);
      expect(error).toMatchObject({ timeout: 80 });
    });

    it('execute holds the key beyond its lease for as long as the job runs', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      await locking.execute(
        'a',
        async ({ signal }) => {
          await expect(other.acquire('a', { timeout: '3s' })).rejects.toBeInstanceOf(LockTimeoutError);
          expect(signal.aborted).toBe(false);
        },
        { expire: '2s' },
      );
      // The other's cancel may still be on its way, and the key is its own until then.
      await eventually(async () => (await locking.inspect('a')) === null);
    });

    it('a job whose lock expires learns of it by the signal at once, and its caller by LockLostError in the end', async () => {
      const locking = await store.open();
      let reason: unknown;
      const run = locking.execute(
        'a',
        async ({ signal }) => {
          await new Promise((resolve) => {
            signal.addEventListener('abort', resolve);
          });
          reason = signal.reason;
          return 'done all the same';
        },
        { expire: '120ms', renew: false },
      );
      await expect(run).rejects.toMatchObject({
        name: 'LockLostError',
        keys: ['a'],
        outcome: { status: 'fulfilled', value: 'done all the same' },
      });
      expect(reason).toBeInstanceOf(LockLostError);
    });

    it("the outcome of a LockLostError contains the job's error", async () => {
      const locking = await store.open();
      const failure = new Error('half-way');
      const run = locking.execute('a', async () => {
        await locking.forceRelease('a');
        throw failure;
      });
      await expect(run).rejects.toMatchObject({
        name: 'LockLostError',
        outcome: { status: 'rejected', reason: failure },
      });
    });

    it('execute notices at its end that the store no longer has the lock, or has granted it to another owner', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      const run = locking.execute('a', async () => {
        await other.forceRelease('a');
        await other.acquire('a');
      });
      await expect(run).rejects.toBeInstanceOf(LockLostError);
      expect(await other.inspect('a')).not.toBeNull();
    });

    it('renewal stops at maxHold, so that a job that hangs loses the key', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      const aborted = deferred();
      const run = locking.execute(
        'a',
        async ({ signal }) => {
          signal.addEventListener('abort', () => aborted.resolve());
          await aborted.promise;
        },
        { maxHold: '300ms' },
      );
      await expect(run).rejects.toBeInstanceOf(LockLostError);
      await (await other.acquire('a', { timeout: '1s' })).release();
    });

    it('execute holds the key for minHold after the job has returned', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      await locking.execute('a', () => undefined, { minHold: '400ms' });
      expect((await other.inspect('a'))?.ttl).toBeGreaterThan(200);
      expect(await other.tryAcquire('a')).toBeNull();
      expect(await locking.tryAcquire('a')).toBeNull();
      await (await other.acquire('a', { timeout: '2s' })).release();
    });

    it('a job may release its lock early', async () => {
      const locking = await store.open();
      const result = await locking.execute('a', async (lock) => {
        expect(await lock.release()).toBe(true);
        expect(await locking.inspect('a')).toBeNull();
        return 'fine';
      });
      expect(result).toBe('fine');
    });
  });
});
