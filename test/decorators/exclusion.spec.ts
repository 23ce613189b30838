import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { WithLock, LockingService } from '../../lib/index.js';
import { freed, isHeld, Stage, useLockingApps, waiting } from '../support/nest-apps.js';

@Injectable()
class Orders {
  readonly stage = new Stage();

  @WithLock('order:<0>')
  async pay(id: string, name: string): Promise<string> {
    await this.stage.enter(name);
    return `paid ${id}`;
  }

  @WithLock('order:<0>')
  async cancel(id: string, name: string): Promise<string> {
    await this.stage.enter(name);
    return `cancelled ${id}`;
  }

  @WithLock((first: string, second: string) => [`order:${first}`, `order:${second}`])
  async merge(_first: string, _second: string, name: string): Promise<void> {
    await this.stage.enter(name);
  }
}

@Injectable()
class Shipping {
  constructor(private readonly orders: Orders) {}

  @WithLock('order:<0>')
  async ship(_id: string, name: string): Promise<void> {
    await this.orders.stage.enter(name);
  }
}

describe('@WithLock: exclusion', () => {
  const startApp = useLockingApps();

  it('calls with the same key run one at a time, first come, first served', async () => {
    const app = await startApp({ providers: [Orders] });
    const orders = app.get(Orders);
    const { stage } = orders;

    const calls = ['a', 'b', 'c'].map(async (name) => orders.pay('1', name));
    await stage.entered('a');
    await waiting(app, 'order:1', 2);
    expect(stage.inside).toEqual(['a']);

    stage.leave('a');
    await stage.entered('b');
    await waiting(app, 'order:1', 1);
    expect(stage.inside).toEqual(['b']);

    stage.leave('b');
    await stage.entered('c');
    expect(stage.inside).toEqual(['c']);

    stage.leave('c');
    expect(await Promise.all(calls)).toEqual(['paid 1', 'paid 1', 'paid 1']);
    expect(await isHeld(app, 'order:1')).toBe(false);
  });

  it('calls with different keys run side by side', async () => {
    const app = await startApp({ providers: [Orders] });
    const orders = app.get(Orders);
    const { stage } = orders;

    const calls = ['1', '2', '3'].map(async (id) => orders.pay(id, id));
    await Promise.all(['1', '2', '3'].map(async (name) => stage.entered(name)));
    expect(stage.inside).toEqual(['1', '2', '3']);

    for (const name of ['3', '1', '2']) stage.leave(name);
    expect(await Promise.all(calls)).toEqual(['paid 1', 'paid 2', 'paid 3']);
  });

  it('two methods, and two classes, with the same key exclude each other', async () => {
    const app = await startApp({ providers: [Orders, Shipping] });
    const orders = app.get(Orders);
    const { stage } = orders;

    const paid = orders.pay('1', 'pay');
    await stage.entered('pay');
    const cancelled = orders.cancel('1', 'cancel');
    const shipped = app.get(Shipping).ship('1', 'ship');
    await waiting(app, 'order:1', 2);
    expect(stage.inside).toEqual(['pay']);

    stage.leave('pay');
    await stage.entered('cancel');
    expect(stage.inside).toEqual(['cancel']);
    stage.leave('cancel');
    await stage.entered('ship');
    stage.leave('ship');
    expect(await Promise.all([paid, cancelled, shipped])).toEqual(['paid 1', 'cancelled 1', undefined]);
  });

  it('decorated methods and LockingService lock the same keys', async () => {
    const app = await startApp({ providers: [Orders] });
    const orders = app.get(Orders);
    const lock = await app.get(LockingService).acquire('order:1');

    const paid = orders.pay('1', 'pay');
    await waiting(app, 'order:1');
    expect(orders.stage.inside).toEqual([]);

    await lock.release();
    await orders.stage.entered('pay');
    expect(await app.get(LockingService).tryAcquire('order:1')).toBeNull();
    orders.stage.leave('pay');
    await paid;
  });

  it('a method may lock several keys, without a deadlock whatever their order', async () => {
    const app = await startApp({ providers: [Orders] });
    const orders = app.get(Orders);
    const { stage } = orders;

    const calls = [orders.merge('1', '2', 'forth'), orders.merge('2', '1', 'back')];
    await stage.entered('forth');
    await waiting(app, 'order:1');
    expect(stage.inside).toEqual(['forth']);
    expect(await isHeld(app, 'order:2')).toBe(true);
    stage.leave('forth');
    await stage.entered('back');
    stage.leave('back');
    await Promise.all(calls);
    await freed(app, 'order:1');
    await freed(app, 'order:2');
  });

  it('a hundred concurrent read-modify-writes lose no update', async () => {
    @Injectable()
    class Account {
      balance = 0;

      @WithLock('account')
      async deposit(amount: number): Promise<void> {
        const { balance } = this;
        await new Promise(setImmediate);
        this.balance = balance + amount;
      }
    }
    const app = await startApp({ providers: [Account] });
    const account = app.get(Account);

    await Promise.all(Array.from({ length: 100 }, async () => account.deposit(1)));
    expect(account.balance).toBe(100);
  });
});
