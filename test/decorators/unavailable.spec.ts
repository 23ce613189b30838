/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  isLockTimeoutError,
  LockingService,
  LockTimeoutError,
  WithLock,
  type OnUnavailable,
  type WithLockOptions,
} from '../../lib/index.js';
import { isHeld, rejection, Stage, thrown, useLockingApps } from '../support/nest-apps.js';

@Injectable()
class Orders {
  readonly name = 'orders';
  readonly stage = new Stage();
  calls = 0;

  @WithLock('order:<0>', { timeout: 0 })
  async byDefault(_id: string, _amount: number): Promise<unknown> {
    return this.work();
  }

  @WithLock('order:<0>', { timeout: '30ms', onUnavailable: 'throw' })
  async throwing(_id: string, _amount: number): Promise<unknown> {
    return this.work();
  }

  @WithLock('order:<0>', { timeout: 0, onUnavailable: 'skip' })
  async skipping(_id: string, _amount: number): Promise<unknown> {
    return this.work();
  }

  @WithLock('order:<0>', {
    timeout: 0,
    onUnavailable: function (this: Orders, error: LockTimeoutError, ...args: [id: string, amount: number]) {
      return { self: this, error, args };
    } as OnUnavailable,
  })
  async fallback(_id: string, _amount: number): Promise<unknown> {
    return this.work();
  }

  @WithLock('order:<0>', { timeout: 0, onUnavailable: async (_error, id: string) => Promise.resolve(`later: ${id}`) })
  async asyncFallback(_id: string, _amount: number): Promise<unknown> {
    return this.work();
  }

  @WithLock('order:<0>', {
    timeout: 0,
    onUnavailable: (error) => {
      throw new RangeError('busy', { cause: error });
    },
  })
  async throwingFallback(_id: string, _amount: number): Promise<unknown> {
    return this.work();
  }

  @WithLock('order:<0>', { onUnavailable: 'skip', signal: AbortSignal.abort(new Error('stopped')) })
  async aborted(_id: string, _amount: number): Promise<unknown> {
    return this.work();
  }

  private async work(): Promise<string> {
    this.calls += 1;
    return Promise.resolve('done');
  }
}

const METHODS = ['byDefault', 'throwing', 'skipping', 'fallback', 'asyncFallback', 'throwingFallback'] as const;

describe('@WithLock: onUnavailable', () => {
  const startApp = useLockingApps();

  const startHeld = async (): Promise<Orders> => {
    const app = await startApp({ providers: [Orders] });
    await app.get(LockingService).acquire('order:1');
    return app.get(Orders);
  };

  it.each(METHODS)('onUnavailable does not matter while the lock is free: %s', async (method) => {
    const orders = (await startApp({ providers: [Orders] })).get(Orders);
    expect(await orders[method]('1', 5)).toBe('done');
  });

  it.each(METHODS)('onUnavailable never runs the method without the lock: %s', async (method) => {
    const orders = await startHeld();
    await orders[method]('1', 5).catch(() => undefined);
    expect(orders.calls).toBe(0);
  });

  it.each(['byDefault', 'throwing'] as const)('throws the LockTimeoutError: %s', async (method) => {
    const error = await rejection((await startHeld())[method]('1', 5));
    expect(isLockTimeoutError(error)).toBe(true);
    expect(error).toMatchObject({ keys: ['order:1'] });
  });

  it('onUnavailable: skip resolves with undefined', async () => {
    expect(await (await startHeld()).skipping('1', 5)).toBeUndefined();
  });

  it('onUnavailable as a function gets the error and the arguments on the instance, and its result is returned', async () => {
    const orders = await startHeld();
    const { self, error, args } = (await orders.fallback('1', 5)) as Record<string, unknown>;
    expect(self).toBe(orders);
    expect(isLockTimeoutError(error)).toBe(true);
    expect(args).toEqual(['1', 5]);
  });

  it('the result of an asynchronous onUnavailable is awaited', async () => {
    expect(await (await startHeld()).asyncFallback('1', 5)).toBe('later: 1');
  });

  it('an error that onUnavailable throws is passed on', async () => {
    const error = await rejection((await startHeld()).throwingFallback('1', 5));
    expect(error).toBeInstanceOf(RangeError);
    expect(isLockTimeoutError((error as RangeError).cause)).toBe(true);
  });

  it.each(['skipping', 'fallback'] as const)('is not asked about a key that cannot be made: %s', async (method) => {
    const orders = await startHeld();
    expect(await rejection(orders[method](undefined as never, 5))).toMatchObject({ code: 'LOCK_KEY' });
  });

  it('onUnavailable is not called when the wait was aborted', async () => {
    const orders = await startHeld();
    expect(String(await rejection(orders.aborted('1', 5)))).toBe('Error: stopped');
  });

  it('onUnavailable is not called when the application shuts down', async () => {
    @Injectable()
    class Waiting {
      @WithLock('order:1', { onUnavailable: 'skip' })
      async run(): Promise<string | undefined> {
        return Promise.resolve('ran');
      }
    }
    const app = await startApp({ providers: [Waiting] });
    await app.get(LockingService).acquire('order:1');
    const result = rejection(app.get(Waiting).run());
    await app.close();
    expect(await result).toMatchObject({ code: 'LOCK_BACKEND' });
  });

  describe('a LockTimeoutError from inside the method', () => {
    const inner = new LockTimeoutError(['other'], 5, 'thrown by the method');
    const seen: unknown[] = [];

    const nested = (onUnavailable: OnUnavailable) => {
      @Injectable()
      class Nested {
        @WithLock('outer', { onUnavailable })
        async run(): Promise<unknown> {
          return this.busy();
        }

        @WithLock('outer', { onUnavailable })
        async same(): Promise<unknown> {
          return Promise.reject(inner);
        }

        @WithLock('outer', { onUnavailable })
        throwsAtOnce(): Promise<unknown> {
          throw inner;
        }

        @WithLock('inner', { timeout: 0 })
        async busy(): Promise<unknown> {
          return Promise.resolve('ran');
        }
      }
      return Nested;
    };

    it.each<[string, OnUnavailable]>([
      ['skip', 'skip'],
      ['a function', (error) => seen.push(error)],
    ])('a LockTimeoutError from inside the method is passed on, with %s', async (_what, onUnavailable) => {
      const Nested = nested(onUnavailable);
      const app = await startApp({ providers: [Nested] });
      const service = app.get(Nested);
      expect(await rejection(service.same())).toBe(inner);
      expect(await rejection(service.throwsAtOnce())).toBe(inner);

      await app.get(LockingService).acquire('inner');
      const error = await rejection(service.run());
      expect(isLockTimeoutError(error)).toBe(true);
      expect(error).toMatchObject({ keys: ['inner'] });
      expect(await isHeld(app, 'outer')).toBe(false);
      expect(seen).toEqual([]);
    });

    it('with two locks on one method, the upper one does not skip for the lower one', async () => {
      @Injectable()
      class Stacked {
        @WithLock('upper', { onUnavailable: 'skip' })
        @WithLock('lower', { timeout: 0 })
        async run(): Promise<string | undefined> {
          return Promise.resolve('ran');
        }
      }
      const app = await startApp({ providers: [Stacked] });
      await app.get(LockingService).acquire('lower');
      expect(await rejection(app.get(Stacked).run())).toMatchObject({ code: 'LOCK_TIMEOUT', keys: ['lower'] });
    });

    it('with two locks on one method, the lower one skips for itself', async () => {
      @Injectable()
      class Stacked {
        @WithLock('upper')
        @WithLock('lower', { timeout: 0, onUnavailable: 'skip' })
        async run(): Promise<string | undefined> {
          return Promise.resolve('ran');
        }
      }
      const app = await startApp({ providers: [Stacked] });
      await app.get(LockingService).acquire('lower');
      expect(await app.get(Stacked).run()).toBeUndefined();
    });
  });

  it('an unknown word for onUnavailable is refused when the class is defined', () => {
    const options = { onUnavailable: 'wait' } as unknown as WithLockOptions;
    expect(String(thrown(() => WithLock('a', options)))).toContain('onUnavailable');
  });
});
