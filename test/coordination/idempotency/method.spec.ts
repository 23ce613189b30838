import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, Ctx, MessagePattern, Payload, TcpContext, Transport } from '@nestjs/microservices';
import { firstValueFrom, of, type Observable } from 'rxjs';
import {
  Idempotent,
  isIdempotencyError,
  isLockConfigurationError,
  isLockKeyError,
  LockingModule,
  LockingService,
} from '../../../lib/index.js';
import { Deferred } from '../../requests/support.js';
import { thrown } from '../../support/nest-apps.js';
import { rejectionOf } from '../../support/poll.js';

interface Order {
  readonly id: string;
  readonly amount?: number;
}

let calls: unknown[] = [];
let held = new Deferred();

@Injectable()
class Orders {
  private readonly shop = 'north';

  constructor(private readonly locking: LockingService) {}

  @Idempotent('order:<this.shop>:<0.id>', { ttl: '1h' })
  async place(order: Order, signal?: AbortSignal): Promise<unknown> {
    calls.push(order);
    return Promise.resolve({ call: calls.length, by: this.shop, keys: this.locking.current()?.keys, signal: !!signal });
  }

  @Idempotent((order: Order) => `paid:${order.id}`, { fingerprint: (order: Order) => order.id })
  async pay(order: Order): Promise<number> {
    calls.push(order);
    return Promise.resolve(calls.length);
  }

  @Idempotent('slow', { wait: 0 })
  async slow(): Promise<string> {
    calls.push('slow');
    await held.promise;
    return 'done';
  }

  @Idempotent((...ids: string[]) => ids)
  async several(...ids: string[]): Promise<void> {
    calls.push(ids);
    return Promise.resolve();
  }

  @(Idempotent('stream') as MethodDecorator)
  stream(): Observable<number> {
    return of(1);
  }
}

@Controller()
class Messages {
  @MessagePattern('charge')
  @Idempotent('charge:<0.id>')
  async charge(@Payload() order: Order, @Ctx() context: TcpContext): Promise<unknown> {
    calls.push(order);
    return Promise.resolve({ call: calls.length, pattern: context.getPattern() });
  }

  @Idempotent('charge-below:<0.id>')
  @MessagePattern('below')
  async below(order: Order): Promise<unknown> {
    calls.push(order);
    return Promise.resolve({ call: calls.length });
  }

  @MessagePattern('by-header')
  @Idempotent()
  async byHeader(order: Order): Promise<unknown> {
    calls.push(order);
    return Promise.resolve({ call: calls.length });
  }
}

@Module({ imports: [LockingModule.forRoot()], providers: [Orders], controllers: [Messages] })
class AppModule {}

beforeEach(() => {
  calls = [];
  held = new Deferred();
});

describe('@Idempotent with a key', () => {
  let app: INestApplicationContext;
  let orders: Orders;

  beforeEach(async () => {
    app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    orders = app.get(Orders);
  });

  afterEach(async () => {
    await app.close();
  });

  it('a method runs once per key, and a repetition gets its result', async () => {
    const first = await orders.place({ id: '7', amount: 1 });
    expect(first).toEqual({ call: 1, by: 'north', keys: ['idempotency:order:north:7'], signal: false });
    expect(await orders.place({ amount: 1, id: '7' }, new AbortController().signal)).toEqual(first);
    expect(await orders.place({ id: '8' })).toMatchObject({ call: 2 });
    const error = await rejectionOf(orders.place({ id: '7', amount: 2 }));
    expect(isIdempotencyError(error) && error.reason).toBe('mismatch');
    expect(calls).toHaveLength(2);
  });

  it('a function makes the key and the fingerprint of the arguments', async () => {
    expect(await orders.pay({ id: '7', amount: 1 })).toBe(1);
    expect(await orders.pay({ id: '7', amount: 2 })).toBe(1);
    expect(await orders.pay({ id: '8' })).toBe(2);
  });

  it('a call with the key of a running one is refused', async () => {
    const first = orders.slow();
    const error = await rejectionOf(orders.slow());
    expect(isIdempotencyError(error) && error.reason).toBe('in-progress');
    held.resolve();
    expect(await first).toBe('done');
    expect(calls).toHaveLength(1);
  });

  it('a call without a usable key, or with several, runs nothing', async () => {
    for (const call of [orders.place({} as Order), orders.several(), orders.several('a', 'b')]) {
      expect(isLockKeyError(await rejectionOf(call))).toBe(true);
    }
    expect(calls).toEqual([]);
    await orders.several('a');
    expect(calls).toEqual([['a']]);
  });

  it('a method that returns an Observable is refused at the call', async () => {
    const error = await rejectionOf(orders.stream() as unknown as Promise<unknown>);
    expect(error.message).toMatch(/returned an Observable/);
  });

  it('a call on an instance that Nest has not made says so', async () => {
    const error = await rejectionOf(new Orders(undefined as never).slow());
    expect(isLockConfigurationError(error) && error.message).toMatch(/^Orders.slow with @Idempotent was called on/);
  });

  it.each([
    ['a malformed template', () => Idempotent('order:<0'), isLockKeyError],
    ['an option of requests', () => Idempotent('k', { header: 'X' } as never), isLockConfigurationError],
    ['a fingerprint that is no function', () => Idempotent('k', { fingerprint: 1 as never }), isLockConfigurationError],
    [
      'a property',
      () => {
        Idempotent('k')(Orders, undefined as never, undefined as never);
      },
      isLockConfigurationError,
    ],
  ])('%s is refused at decoration', (_, decorate, isExpected) => {
    expect(isExpected(thrown(decorate))).toBe(true);
  });
});

describe('@Idempotent in a microservice over TCP', () => {
  const closing: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  const connect = async (): Promise<(pattern: string, data: unknown) => Promise<unknown>> => {
    const options = { host: '127.0.0.1', port: await freePort() };
    const app = await NestFactory.createMicroservice(AppModule, { transport: Transport.TCP, options, logger: false });
    closing.unshift(async () => app.close());
    await app.listen();
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    closing.unshift(async () => {
      await client.close();
    });
    return async (pattern, data) => firstValueFrom(client.send<unknown>(pattern, data as object));
  };

  it('a message that is delivered again gets the first answer, with its context left out of the comparison', async () => {
    const send = await connect();
    for (let delivery = 0; delivery < 2; delivery += 1) {
      expect(await send('charge', { id: '1' })).toEqual({ call: 1, pattern: 'charge' });
      expect(await send('below', { id: '1' })).toEqual({ call: 2 });
    }
    expect(await send('charge', { id: '2' })).toMatchObject({ call: 3 });
    await expect(send('charge', { id: '2', amount: 7 })).rejects.toMatchObject({ status: 'error' });
    expect(calls).toHaveLength(3);
  });

  it('a message whose handler takes its key from a header is refused', async () => {
    const send = await connect();
    await expect(send('by-header', { id: '1' })).rejects.toMatchObject({ status: 'error' });
    expect(calls).toEqual([]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
