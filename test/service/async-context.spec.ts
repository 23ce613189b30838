import { describe, expect, it } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Test } from '@nestjs/testing';
import {
  InMemoryLockingProvider,
  LockingModule,
  LockingService,
  type Lock,
  type LockingProviderContext,
} from '../../lib/index.js';
import { LogCapture } from '../support/log-capture.js';
import { eventually } from '../support/poll.js';
import { deferred } from '../support/deferred.js';
import { onEveryStore } from '../support/stores.js';

/** The application's own context. */
const tenant = new AsyncLocalStorage<string>();

/** The async context that a callback runs in. */
interface Surroundings {
  readonly tenant: string | undefined;
  readonly keys: readonly string[] | undefined;
}

const around = (locking: LockingService): Surroundings => ({
  tenant: tenant.getStore(),
  keys: locking.current()?.keys,
});

const NOTHING: Surroundings = { tenant: undefined, keys: undefined };

onEveryStore((store) => {
  /** Runs a job on `x` that is the first waiter of its process, and that goes on until `end` is called. */
  async function firstToWait(locking: LockingService, other: LockingService, job?: () => Promise<void>) {
    const [entered, end] = [deferred(), deferred()];
    const elsewhere = await other.acquire('x');
    const running = tenant.run('of x', () =>
      locking.execute('x', async () => {
        entered.resolve();
        await job?.();
        await end.promise;
      }),
    );
    await eventually(async () => ((await other.inspect('x'))?.waiters ?? 0) > 0);
    await elsewhere.release();
    await entered.promise;
    return async (): Promise<void> => {
      end.resolve();
      await running;
    };
  }

  function noteAbort(lock: Lock, locking: LockingService): Promise<Surroundings & { readonly joined: Lock | null }> {
    return new Promise((resolve, reject) => {
      lock.signal.addEventListener('abort', () => {
        const seen = around(locking);
        locking.tryAcquire('x').then((joined) => resolve({ ...seen, joined }), reject);
      });
    });
  }

  it('the abort listener of a revoked lock runs outside the job that was the first to wait', async () => {
    const [locking, other] = [await store.open(), await store.open()];
    const endX = await firstToWait(locking, other);
    const y = await locking.acquire('y');
    const told = noteAbort(y, locking);
    await other.forceRelease('y');
    expect(await told).toEqual({ ...NOTHING, joined: null });
    await endX();
  });

  it('the abort listener of a lock that its owner released runs outside the job that released it', async () => {
    const [locking, other] = [await store.open(), await store.open()];
    const y = await locking.acquire('y');
    const told = noteAbort(y, locking);
    const endX = await firstToWait(locking, other, async () => {
      await locking.release('y');
    });
    expect(await told).toEqual({ ...NOTHING, joined: null });
    await endX();
  });

  it('the abort listener of an expired lease runs outside the job whose timer found it', async () => {
    const [locking, other] = [await store.open({ expire: '900ms' }), await store.open()];
    const endX = await firstToWait(locking, other);
    const y = await locking.acquire('y', { expire: '1500ms' });
    expect(await noteAbort(y, locking)).toEqual({ ...NOTHING, joined: null });
    await endX();
  });

  it('an abort listener runs in the context in which the signal was first read', async () => {
    const [locking, other] = [await store.open(), await store.open()];
    const endX = await firstToWait(locking, other);
    const [entered, told] = [deferred(), deferred<Surroundings>()];
    const y = tenant.run('of y', () =>
      locking.execute('y', async ({ signal }) => {
        signal.addEventListener('abort', () => told.resolve(around(locking)));
        entered.resolve();
        await told.promise;
      }),
    );
    await entered.promise;
    await Promise.all([tenant.run('of the operator', () => other.forceRelease('y')), expect(y).rejects.toThrow('y')]);
    expect(await told.promise).toEqual({ tenant: 'of y', keys: ['y'] });
    await endX();
  });

  it('the abort listener of a lock on several keys runs outside the job that was the first to wait', async () => {
    const [locking, other] = [await store.open(), await store.open()];
    const endX = await firstToWait(locking, other);
    const told = deferred<Surroundings>();
    const nested = tenant.run('of y', () =>
      locking.execute('y', () =>
        locking.execute(['y', 'z'], async ({ signal }) => {
          signal.addEventListener('abort', () => told.resolve(around(locking)));
          await other.forceRelease('z');
          await told.promise;
        }),
      ),
    );
    await expect(nested).rejects.toThrow('z');
    expect(await told.promise).toEqual({ tenant: 'of y', keys: ['y', 'z'] });
    await endX();
  });
});

describe('the provider of an application', () => {
  const seen: [what: string, tenant: string | undefined][] = [];
  const note = (what: string): void => void seen.push([what, tenant.getStore()]);

  class NotingProvider extends InMemoryLockingProvider {
    constructor(
      options: object,
      private readonly context: LockingProviderContext,
    ) {
      super(options);
    }

    async connect(onConnected: () => void): Promise<void> {
      note('connect');
      tenant.run('of the provider', onConnected);
      return Promise.resolve();
    }
    override async listen(...args: Parameters<InMemoryLockingProvider['listen']>) {
      note('listen');
      return super.listen(...args);
    }
    override acquireBatch(...args: Parameters<InMemoryLockingProvider['acquireBatch']>) {
      note('acquire');
      return super.acquireBatch(...args);
    }
    override extendBatch(...args: Parameters<InMemoryLockingProvider['extendBatch']>) {
      note('extend');
      return super.extendBatch(...args);
    }
    override releaseBatch(...args: Parameters<InMemoryLockingProvider['releaseBatch']>) {
      note('release');
      return super.releaseBatch(...args);
    }
    override async revoke(...args: Parameters<InMemoryLockingProvider['revoke']>) {
      note('revoke');
      tenant.run('of the provider', () => this.context.warn('it was taken'));
      return super.revoke(...args);
    }
    override async inspect(...args: Parameters<InMemoryLockingProvider['inspect']>) {
      note('inspect');
      return super.inspect(...args);
    }
    override async *list(match?: string) {
      note('list');
      yield* super.list(match);
    }
    override async close() {
      note('close');
      return super.close();
    }
  }

  it('the provider is called, and logs, outside the context of the caller', async () => {
    const logger = new LogCapture();
    logger.log = (message: unknown) => {
      if (String(message).startsWith('Connection')) note('log');
    };
    logger.warn = () => {
      note('warn');
    };
    await tenant.run('of a caller', async () => {
      const module = await Test.createTestingModule({
        imports: [LockingModule.forRoot({ providers: [{ resolve: NotingProvider }] })],
      })
        .setLogger(logger)
        .compile();
      const app = await module.init();
      const locking = app.get(LockingService);
      const first = await locking.acquire('a');
      const second = locking.acquire('a');
      await first.extend();
      await first.release();
      await second;
      await locking.inspect('a');
      await locking.list()[Symbol.asyncIterator]().next();
      await locking.forceRelease('a');
      await tenant.run('of another', () => locking.acquire('b'));
      await app.close();
    });
    const calls = ['acquire', 'close', 'connect', 'extend', 'inspect', 'list', 'listen', 'release', 'revoke'];
    expect([...new Set(seen.map(([what]) => what))].sort()).toEqual([...calls, 'log', 'warn'].sort());
    expect(seen.filter(([, store]) => store !== undefined)).toEqual([]);
  });
});

it('timers of the engine do not keep the context of the first caller', async () => {
  const timers = new Set<string | undefined>();
  const real = globalThis.setTimeout;
  const noting = ((...args: Parameters<typeof setTimeout>) => {
    if (new Error().stack?.includes('clock')) timers.add(tenant.getStore());
    return real(...args);
  }) as typeof setTimeout;
  globalThis.setTimeout = Object.assign(noting, real);
  try {
    const module = await Test.createTestingModule({ imports: [LockingModule.forRoot()] }).compile();
    const locking = module.get(LockingService);
    await tenant.run('of the first', async () => {
      const lock = await locking.acquire('a');
      const waiting = locking.acquire('a');
      await lock.release();
      await (await waiting).release();
    });
    await module.close();
  } finally {
    globalThis.setTimeout = real;
  }
  expect([...timers]).toEqual([undefined]);
});
