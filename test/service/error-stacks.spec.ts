import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { setImmediate as turn } from 'node:timers/promises';
import { LockingService, WithLock } from '../../lib/index.js';
import { useLockingApps } from '../support/nest-apps.js';

async function failsLater(): Promise<never> {
  await turn();
  throw new Error('declined');
}

@Injectable()
class Orders {
  constructor(private readonly locking: LockingService) {}

  @WithLock('decorated')
  async decorated(): Promise<void> {
    await failsLater();
  }

  async executed(): Promise<void> {
    await this.locking.execute('executed', failsLater);
  }

  async nested(): Promise<void> {
    await this.locking.execute(['executed'], async () => this.executed());
  }
}

describe('the stack of an error that a job throws after its first await', () => {
  const startApp = useLockingApps();

  it.each(['decorated', 'executed', 'nested'] as const)('leads through the lock to the caller: %s', async (way) => {
    const orders = (await startApp({ providers: [Orders] })).get(Orders);
    async function checkoutOfTheShop(): Promise<void> {
      await orders[way]();
    }
    const error = await checkoutOfTheShop().then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.stack).toMatch(/failsLater[^]*checkoutOfTheShop/);
  });
});
