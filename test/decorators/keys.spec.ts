/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { isLockKeyError, LockingService, WithLock } from '../../lib/index.js';
import { rejection, Stage, useLockingApps, waiting } from '../support/nest-apps.js';

interface Line {
  sku: string;
  lot?: number;
}

interface Order {
  id?: unknown;
  customer?: { id: unknown };
  lines?: Line[];
}

@Injectable()
class Shop {
  readonly region = 'eu';
  readonly tenant = { id: 7 };
  calls = 0;

  constructor(private readonly locking: LockingService) {}

  get label(): string {
    return `shop-${this.region}`;
  }

  @WithLock('nightly')
  async constant(): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock('order:<0>')
  async first(_id: unknown): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock('<1>/<0>')
  async swapped(_first: unknown, _second: unknown): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock('customer:<0.customer.id>')
  async nested(_order: Order): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock('sku:<0.lines[].sku>')
  async each(_order: Order): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock('sku:<0.lines[0].sku>')
  async indexed(_order: Order): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock('<this.region>:<this.tenant.id>:<this.label>')
  async ofInstance(): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock('a<<b>:<0>')
  async escaped(_id: string): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock('rate:<1>')
  async defaulted(_id: string, _rate = 5): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock((order: Order, count: number) => `computed:${String(order.id)}:${String(count)}`)
  async computed(_order: Order, _count: number): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock((order: Order) => (order.lines ?? []).map(({ sku }) => `sku:${sku}`))
  async computedEach(_order: Order): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock(function (this: Shop, id: string) {
    return `${this.region}/${id}`;
  })
  async computedOfInstance(_id: string): Promise<readonly string[]> {
    return this.keys();
  }

  @WithLock((key: unknown) => key as string)
  async raw(_key: unknown): Promise<readonly string[]> {
    return this.keys();
  }

  private keys(): readonly string[] {
    this.calls += 1;
    return this.locking.current()?.keys ?? [];
  }
}

describe('@WithLock: keys', () => {
  const startApp = useLockingApps();
  const getShop = async (): Promise<Shop> => (await startApp({ providers: [Shop] })).get(Shop);

  it.each<[string, (shop: Shop) => Promise<readonly string[]>, string[]]>([
    ['a constant', async (shop) => shop.constant(), ['nightly']],
    ['an argument', async (shop) => shop.first('42'), ['order:42']],
    ['a number, a bigint and a boolean', async (shop) => shop.swapped(42n, true), ['true/42']],
    ['several arguments, in any order', async (shop) => shop.swapped('a', 'b'), ['b/a']],
    ['a nested value', async (shop) => shop.nested({ customer: { id: 9 } }), ['customer:9']],
    ['one key per element', async (shop) => shop.each({ lines: [{ sku: 'b' }, { sku: 'a' }] }), ['sku:a', 'sku:b']],
    ['elements that repeat', async (shop) => shop.each({ lines: [{ sku: 'a' }, { sku: 'a' }] }), ['sku:a']],
    ['one element', async (shop) => shop.indexed({ lines: [{ sku: 'b' }, { sku: 'a' }] }), ['sku:b']],
    ['properties and getters of the instance', async (shop) => shop.ofInstance(), ['eu:7:shop-eu']],
    ['a literal <', async (shop) => shop.escaped('1'), ['a<b>:1']],
    ['a function of several arguments', async (shop) => shop.computed({ id: 3 }, 4), ['computed:3:4']],
    ['a function with several keys', async (shop) => shop.computedEach({ lines: [{ sku: 'x' }] }), ['sku:x']],
    ['a function with "this"', async (shop) => shop.computedOfInstance('5'), ['eu/5']],
  ])('keys are made of %s', async (_what, call, keys) => {
    expect(await call(await getShop())).toEqual(keys);
  });

  it('different arguments never make the same key', async () => {
    const shop = await getShop();
    const keys = await Promise.all([shop.swapped('b/c', 'a'), shop.swapped('c', 'a/b'), shop.swapped('c', 'a%2Fb')]);
    expect(new Set(keys.flat()).size).toBe(3);
  });

  it.each<[string, (shop: Shop) => Promise<unknown>]>([
    ['undefined', async (shop) => shop.first(undefined)],
    ['a missing argument', async (shop) => (shop.first as () => Promise<unknown>).call(shop)],
    ['null', async (shop) => shop.first(null)],
    ['an object', async (shop) => shop.first({ id: 1 })],
    ['an array', async (shop) => shop.first(['a'])],
    ['NaN', async (shop) => shop.first(NaN)],
    ['Infinity', async (shop) => shop.first(Infinity)],
    ['a function', async (shop) => shop.first(() => 'a')],
    ['a symbol', async (shop) => shop.first(Symbol('a'))],
    ['a Date', async (shop) => shop.first(new Date())],
    ['a nested undefined', async (shop) => shop.nested({ customer: { id: undefined } })],
    ['a path that breaks off', async (shop) => shop.nested({})],
    ['an empty array', async (shop) => shop.each({ lines: [] })],
    ['something else than an array', async (shop) => shop.each({ lines: 'ab' as never })],
    ['one unusable element', async (shop) => shop.each({ lines: [{ sku: 'a' }, { sku: null as never }] })],
    ['a default value, which the caller left out', async (shop) => shop.defaulted('1')],
    ['a function that returns undefined', async (shop) => shop.raw(undefined)],
    ['a function that returns a number', async (shop) => shop.raw(42)],
    ['a function that returns a Promise', async (shop) => shop.raw(Promise.resolve('a'))],
    ['a function that returns an empty string', async (shop) => shop.raw('')],
    ['a function that returns no keys', async (shop) => shop.raw([])],
    ['a function that returns an array with null', async (shop) => shop.raw(['a', null])],
  ])('a key of %s is refused before the method runs', async (_what, call) => {
    const shop = await getShop();
    expect(isLockKeyError(await rejection(call(shop)))).toBe(true);
    expect(shop.calls).toBe(0);
  });

  it('the error of a key names the placeholder, not the value', async () => {
    const shop = await getShop();
    const error = await rejection(shop.first({ password: 'hunter2' }));
    expect(error).toMatchObject({ code: 'LOCK_KEY', message: expect.stringContaining('<0>') });
    expect(String(error)).not.toContain('hunter2');
    expect(String(error)).toContain('order:<0>');
  });

  it("a call whose key function throws rejects with the function's own error", async () => {
    const thrown = new TypeError('no id');
    @Injectable()
    class Broken {
      calls = 0;
      @WithLock(() => {
        throw thrown;
      })
      async run(): Promise<void> {
        this.calls += 1;
        return Promise.resolve();
      }
    }
    const broken = (await startApp({ providers: [Broken] })).get(Broken);
    const result = broken.run();
    expect(await rejection(result)).toBe(thrown);
    expect(broken.calls).toBe(0);
  });

  it('the key is made of the arguments when the method is called, not when the lock is granted', async () => {
    @Injectable()
    class Mutating {
      readonly stage = new Stage();
      constructor(private readonly locking: LockingService) {}

      @WithLock('order:<0.id>')
      async run(order: { id: string }): Promise<readonly string[] | undefined> {
        await this.stage.enter(order.id);
        return this.locking.current()?.keys;
      }
    }
    const app = await startApp({ providers: [Mutating] });
    const mutating = app.get(Mutating);
    const first = mutating.run({ id: '1' });
    await mutating.stage.entered('1');
    const order = { id: '1' };
    const second = mutating.run(order);
    order.id = '2';
    await waiting(app, 'order:1');
    mutating.stage.leave('1');
    await mutating.stage.entered('2');
    mutating.stage.leave('2');
    expect([await first, await second]).toEqual([['order:1'], ['order:1']]);
  });

  it('the method gets its arguments and "this" unchanged', async () => {
    @Injectable()
    class Echo {
      @WithLock('echo')
      async run(...args: unknown[]): Promise<unknown[]> {
        return Promise.resolve([this, ...args]);
      }
    }
    const echo = (await startApp({ providers: [Echo] })).get(Echo);
    const argument = { id: 1 };
    const [self, first, ...others] = await echo.run(argument, undefined, null);
    expect(self).toBe(echo);
    expect(first).toBe(argument);
    expect(others).toEqual([undefined, null]);
  });
});
