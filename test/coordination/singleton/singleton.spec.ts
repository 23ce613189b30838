import { describe, expect, it } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { of } from 'rxjs';
import {
  isLockConfigurationError,
  isLockKeyError,
  isLockLostError,
  isLockTimeoutError,
  type Lock,
} from '../../../lib/index.js';
import { rejection, Stage } from '../../support/nest-apps.js';
import { onEveryStore } from '../../support/stores.js';

onEveryStore((store) => {
  describe('a singleton job', () => {
    it('a singleton job is skipped elsewhere while it runs, and may run again afterwards', async () => {
      const [one, two] = await Promise.all([store.open(), store.open()]);
      const stage = new Stage();
      const running = one.singleton('job', async () => stage.enter('first'));
      await stage.entered('first');
      expect(await two.singleton('job', () => 'second')).toBeUndefined();
      expect(await one.singleton('job', () => 'third')).toBeUndefined();
      expect(await two.singleton('job', () => 'joins in vain', { join: true })).toBeUndefined();
      stage.leave('first');
      await running;
      expect(await two.singleton('job', () => 'fourth')).toBe('fourth');
    });

    it('a singleton job holds the lock of its key, and gets it', async () => {
      const [one, two] = await Promise.all([store.open(), store.open()]);
      let lock: Lock | undefined;
      await one.singleton('job', async (held) => {
        lock = held;
        expect(one.current()?.fencingToken).toBe(held.fencingToken);
        expect(await two.tryAcquire('job')).toBeNull();
      });
      expect(lock?.keys).toEqual(['job']);
      const other = await two.acquire('job');
      expect(await one.singleton('job', () => 'run')).toBeUndefined();
      await other.release();
    });

    it('a singleton job of several keys runs when all of them are free', async () => {
      const locking = await store.open();
      const held = await locking.acquire('b');
      expect(await locking.singleton(['a', 'b'], () => 'run')).toBeUndefined();
      await held.release();
      expect(await locking.singleton(['a', 'b'], () => 'run')).toBe('run');
    });

    it('a singleton job that fails passes its error on, and is over', async () => {
      const locking = await store.open();
      const error = new TypeError('no');
      const failing = (): never => {
        throw error;
      };
      expect(await rejection(locking.singleton('job', failing))).toBe(error);
      expect(await locking.singleton('job', () => 1)).toBe(1);
    });

    it('a timeout of another lock inside a singleton job is passed on, and does not count as its own', async () => {
      const [one, two] = await Promise.all([store.open(), store.open()]);
      const held = await two.acquire('other');
      const busy = await rejection(one.singleton('job', () => one.acquire('other', { timeout: 0 })));
      expect(isLockTimeoutError(busy)).toBe(true);
      await held.release();
    });

    it('a singleton job does not run again from inside itself', async () => {
      const locking = await store.open();
      const nested = await locking.singleton('job', async () => [
        await locking.singleton('job', () => 'again'),
        await locking.singleton('job', () => 'again', { join: true }),
      ]);
      expect(nested).toEqual([undefined, undefined]);
    });
  });

  it('a singleton job runs inside a job that holds its key already', async () => {
    const [one, two] = await Promise.all([store.open(), store.open()]);
    const ran = await one.execute('job', async () => [
      await one.singleton('job', () => 'one'),
      await two.singleton('job', () => 'two'),
    ]);
    expect(ran).toEqual(['one', undefined]);
  });

  describe('calls that join a singleton job', () => {
    it('joined calls share the result of one run, also with keys in another order', async () => {
      const locking = await store.open();
      const stage = new Stage();
      let runs = 0;
      const job = async (): Promise<number> => {
        runs += 1;
        await stage.enter('job');
        return runs;
      };
      const first = locking.singleton(['b', 'a'], job);
      const second = locking.singleton(['a', 'b', 'a'], job, { join: true });
      await stage.entered('job');
      const third = locking.singleton(['a', 'b'], job, { join: true });
      stage.leave('job');
      expect(await Promise.all([first, second, third])).toEqual([1, 1, 1]);
      const fourth = locking.singleton(['a', 'b'], job, { join: true });
      await stage.entered('job');
      stage.leave('job');
      expect(await fourth).toBe(2);
    });

    it('joined calls share the error of the run', async () => {
      const locking = await store.open();
      const stage = new Stage();
      const error = new TypeError('no');
      const first = locking.singleton('job', async () => {
        await stage.enter('job');
        throw error;
      });
      const second = locking.singleton('job', () => undefined, { join: true });
      await stage.entered('job');
      stage.leave('job');
      expect(await Promise.all([rejection(first), rejection(second)])).toEqual([error, error]);
    });

    it('a joined call may stop waiting without an effect on the run', async () => {
      const locking = await store.open();
      const stage = new Stage();
      const first = locking.singleton('job', async () => stage.enter('job').then(() => 'done'));
      const leaving = new AbortController();
      const second = locking.singleton('job', () => 'second', { join: true, signal: leaving.signal });
      await stage.entered('job');
      leaving.abort(new RangeError('enough'));
      expect(await rejection(second)).toEqual(new RangeError('enough'));
      expect(await rejection(locking.singleton('job', () => 0, { join: true, signal: leaving.signal }))).toEqual(
        new RangeError('enough'),
      );
      stage.leave('job');
      expect(await first).toBe('done');
    });

    it('joined calls run their own job, once, when the first caller aborts before its job begins', async () => {
      const locking = await store.open();
      const leaving = new AbortController();
      const first = locking.singleton('job', () => 'first', { join: true, signal: leaving.signal });
      const ran: string[] = [];
      const joiners = ['second', 'third'].map(async (name) =>
        locking.singleton('job', () => (ran.push(name), name), { join: true }),
      );
      leaving.abort(new RangeError('enough'));
      const results = await Promise.all([rejection(first), ...joiners]);
      expect(results).toEqual([new RangeError('enough'), 'second', 'second']);
      expect(ran).toEqual(['second']);
    });

    it('joined calls run their own job when the joined one ends by the signal of its caller', async () => {
      const locking = await store.open();
      const stage = new Stage();
      const [leaving, staying] = [new AbortController(), new AbortController()];
      const until = async ({ signal }: AbortController): Promise<never> =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
          void stage.enter('first');
        });
      const first = locking.singleton('job', async () => until(leaving), { join: true, signal: leaving.signal });
      const second = locking.singleton('job', () => 'second', { join: true, signal: staying.signal });
      const third = locking.singleton('job', () => 'third', { join: true, signal: leaving.signal });
      await stage.entered('first');
      leaving.abort(new RangeError('enough'));
      const enough = new RangeError('enough');
      expect(await Promise.all([rejection(first), second, rejection(third)])).toEqual([enough, 'second', enough]);
    });

    it('joined calls share the loss of the lock also if the first caller has aborted', async () => {
      const locking = await store.open();
      const stage = new Stage();
      const leaving = new AbortController();
      const job = async (): Promise<void> => stage.enter('job');
      const first = locking.singleton('job', job, { join: true, signal: leaving.signal });
      const second = locking.singleton('job', () => 'second', { join: true });
      await stage.entered('job');
      leaving.abort();
      await locking.forceRelease('job');
      stage.leave('job');
      expect((await Promise.all([rejection(first), rejection(second)])).map(isLockLostError)).toEqual([true, true]);
    });

    it('joined calls add one listener to a common signal, for as long as they wait', async () => {
      const locking = await store.open();
      const stage = new Stage();
      const { signal } = new AbortController();
      const callers = Array.from({ length: 40 }, async () =>
        locking.singleton('job', async () => stage.enter('job'), { join: true, signal }),
      );
      await stage.entered('job');
      expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(2);
      stage.leave('job');
      await Promise.all(callers);
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });

    it('a joined call that would wait for itself, directly or not, is skipped', async () => {
      const locking = await store.open();
      const stage = new Stage();
      const join = { join: true };
      // a starts b; b joins c; c would join a.
      const a = locking.singleton('a', async () => {
        await stage.enter('a');
        return locking.singleton('b', async () => locking.singleton('c', () => 'unused', join), join);
      });
      const c = locking.singleton('c', async () => {
        await stage.enter('c');
        return [await locking.singleton('a', () => 'unused', join), 'c'];
      });
      await Promise.all([stage.entered('a'), stage.entered('c')]);
      stage.leave('a');
      // Wait until a waits for c, by way of b.
      while (!(await locking.inspect('b'))) await new Promise(setImmediate);
      await new Promise(setImmediate);
      stage.leave('c');
      expect(await Promise.all([a, c])).toEqual([
        [undefined, 'c'],
        [undefined, 'c'],
      ]);
    });
  });

  it('singleton refuses options that cannot work, before anything is locked', async () => {
    const locking = await store.open();
    const job = (): string => 'run';
    for (const options of [{ timeout: 5 }, { join: 'yes' }, { expire: -1 }, { reentrant: true }, { ownerId: 'me' }]) {
      const refused = await rejection(locking.singleton('k', job, options as never));
      expect({ options, is: isLockConfigurationError(refused) }).toEqual({ options, is: true });
    }
    expect(isLockKeyError(await rejection(locking.singleton('', job)))).toBe(true);
    expect(isLockConfigurationError(await rejection(locking.singleton('k', 'job' as never)))).toBe(true);
    expect(isLockConfigurationError(await rejection(locking.singleton('k', () => of(1))))).toBe(true);
    expect(isLockConfigurationError(await rejection(locking.singleton('k', job, { provider: 'other' })))).toBe(true);
    expect(await locking.singleton('k', job)).toBe('run');
  });
});
