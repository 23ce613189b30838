import { expect, it } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { LockingModule, Singleton, WithLock, LockingService } from '../../lib/index.js';
import { deferred } from '../support/deferred.js';
import { onEveryStore } from '../support/stores.js';

const tenant = new AsyncLocalStorage<string>();

onEveryStore((store) => {
  it('outsideLocks runs work outside every lock and singleton, in the context of the application', async () => {
    const locking = await store.open();
    const seen = await tenant.run('t', () =>
      locking.execute('a', () =>
        locking.singleton('b', () =>
          locking.runOutsideLocks(async () => [locking.current(), tenant.getStore(), await locking.tryAcquire('a')]),
        ),
      ),
    );
    expect(seen).toEqual([undefined, 't', null]);
  });

  it('with outsideLocks, a loop that is started inside a job does not join the locks of its jobs', async () => {
    const locking = await store.open();
    const requests: (() => void)[] = [];
    const loop = async (): Promise<void> => {
      for (let served = 0; served < 2; served += 1) {
        while (requests.length === 0) await delay(1);
        requests.shift()?.();
      }
    };
    const ask = () => new Promise<unknown>((resolve) => requests.push(() => resolve(locking.tryAcquire('a'))));
    const joins = async (start: (work: () => Promise<void>) => Promise<void>): Promise<boolean> => {
      const [running, end] = [deferred(), deferred()];
      const first = locking.execute('a', async () => {
        void start(loop);
        running.resolve();
        await end.promise;
      });
      await running.promise;
      const joined = (await ask()) !== null;
      requests.push(() => undefined);
      end.resolve();
      await first;
      return joined;
    };
    expect(await joins((work) => work())).toBe(true);
    await locking.release('a');
    expect(await joins((work) => locking.runOutsideLocks(work))).toBe(false);
  });
});

/** A query that begins when it is awaited, like those of Prisma and Knex. */
class Query<T> implements PromiseLike<T> {
  begun = 0;

  constructor(private readonly read: () => T) {}

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    this.begun += 1;
    return Promise.resolve().then(this.read).then(onFulfilled, onRejected);
  }
}

onEveryStore((store) => {
  it.each(['execute', 'singleton'] as const)(
    'a thenable that a job of %s returns begins inside its lock',
    async (call) => {
      const locking = await store.open();
      const query = new Query(() => locking.current()?.keys);
      expect(await locking[call]('a', () => query)).toEqual(['a']);
      expect(query.begun).toBe(1);
    },
  );
});

it('a thenable that a decorated method returns begins inside its lock', async () => {
  const service = (): LockingService => app.get(LockingService);
  const query = () => new Query(() => service().current()?.keys) as unknown as Promise<unknown>;

  @Injectable()
  class Reads {
    @WithLock('a')
    one(): Promise<unknown> {
      return query();
    }

    @Singleton('b')
    two(): Promise<unknown> {
      return query();
    }
  }
  const app = await Test.createTestingModule({ imports: [LockingModule.forRoot()], providers: [Reads] }).compile();
  expect([await app.get(Reads).one(), await app.get(Reads).two()]).toEqual([['a'], ['b']]);
  await app.close();
});

onEveryStore((store) => {
  it.each(['execute', 'singleton'] as const)(
    'a job of %s that schedules its own next run keeps nothing of earlier runs in memory',
    async (call) => {
      setFlagsFromString('--expose-gc');
      const gc = runInNewContext('gc') as () => void;
      const locking = await store.open();
      const locks: WeakRef<object>[] = [];
      const alive = deferred<number>();
      // In the context of the last run, which would refer to all earlier ones.
      const count = async (): Promise<void> => {
        for (let round = 0; round < 5; round += 1) {
          gc();
          await delay(1);
        }
        alive.resolve(locks.filter((lock) => lock.deref()).length);
      };
      const poll = async (): Promise<void> => {
        let ran = false as boolean;
        await locking[call]('a', (lock) => {
          ran = true;
          locks.push(new WeakRef(lock));
          setTimeout(() => void (locks.length < 50 ? poll() : count()), 0);
        });
        // a singleton whose last run has not released its lock yet
        if (!ran) setTimeout(() => void poll(), 1);
      };
      await poll();
      expect(await alive.promise).toBeLessThan(5);
    },
    // Each collection takes seconds in a worker whose heap has grown large over many files.
    120_000,
  );
});
