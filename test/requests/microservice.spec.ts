import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { AddressInfo, Server } from 'node:net';
import { Controller, Inject, UseFilters, UseInterceptors } from '@nestjs/common';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom, Subject, toArray, type Observable } from 'rxjs';
import { LockExceptionFilter, LockingService, LockRequest, LockTimeoutError } from '../../lib/index.js';
import { Desk, Limiting, TestApp, until } from './support.js';

let numbers: Subject<number>;

interface Order {
  id: string;
  name: string;
}

@Controller()
class OrdersController {
  constructor(
    @Inject(Desk) private readonly desk: Desk,
    @Inject(LockingService) private readonly locking: LockingService,
  ) {}

  @MessagePattern('pay')
  @LockRequest('order:<data.id>')
  async pay(@Payload() { name }: Order): Promise<string> {
    return this.desk.work(name);
  }

  @MessagePattern('limited')
  @UseInterceptors(Limiting)
  @LockRequest('order:<data.id>')
  async limited(@Payload() { name }: Order): Promise<string> {
    return this.desk.work(name);
  }

  @MessagePattern('count')
  @LockRequest('order:<data.id>')
  count(): Observable<number> {
    return numbers;
  }

  @MessagePattern('keys')
  @LockRequest('pattern:<context.args[1]>')
  keys(): unknown {
    return this.locking.current()?.keys;
  }

  @MessagePattern('wrong')
  @LockRequest('order:<params.id>')
  wrong(): string {
    return 'handled';
  }

  @MessagePattern('busy')
  @LockRequest('busy', { timeout: 0 })
  @UseFilters(LockExceptionFilter)
  busy(): string {
    return 'handled';
  }

  @EventPattern('busy-event')
  @LockRequest('busy', { timeout: 0 })
  @UseFilters(LockExceptionFilter)
  busyEvent(data: object): object {
    return data;
  }

  @MessagePattern('fallback')
  @LockRequest('busy', { timeout: 0, onUnavailable: ({ code }) => code })
  fallback(): string {
    return 'handled';
  }

  @MessagePattern('own')
  @LockRequest('free', { timeout: 0, onUnavailable: ({ code }) => code })
  own(): string {
    throw new LockTimeoutError(['other'], 0, 'thrown by the handler');
  }
}

describe('@LockRequest on messages', () => {
  let desk: Desk;
  let test: TestApp;
  let client: ClientProxy;
  beforeEach(async () => {
    desk = new Desk();
    numbers = new Subject();
    const providers = [{ provide: Desk, useValue: desk }];
    let port = 0;
    test = await TestApp.start('express', { controllers: [OrdersController], providers }, async (app) => {
      const options = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } } as const;
      const service = app.connectMicroservice<MicroserviceOptions>(options);
      await app.startAllMicroservices();
      port = (service.unwrap<Server>().address() as AddressInfo).port;
    });
    client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  });
  afterEach(async () => {
    await client.close();
    await test.close();
  });

  const send = async (pattern: string, data: object = {}): Promise<unknown> =>
    firstValueFrom(client.send<unknown>(pattern, data));

  it('one message runs at a time', async () => {
    const first = send('pay', { id: 7, name: 'a' });
    await until(() => desk.has('a starts'));
    const second = send('pay', { id: 7, name: 'b' });
    await test.untilWaiting('order:7');
    desk.gate('a').resolve();
    desk.gate('b').reject(new Error('no'));
    expect(await first).toBe('a');
    await expect(second).rejects.toEqual({ status: 'error', message: 'Internal server error' });
    expect(desk.events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
    await test.untilFree('order:7');
  });

  it('the lock of a message is held until its Observable completes', async () => {
    const counted = lastValueFrom(client.send<number>('count', { id: 7 }).pipe(toArray()));
    await until(() => numbers.observed);
    const next = send('pay', { id: 7, name: 'a' });
    await test.untilWaiting('order:7');
    numbers.next(1);
    numbers.next(2);
    expect(await test.waiters('order:7')).toBe(1);
    numbers.complete();
    desk.gate('a').resolve();
    expect(await counted).toEqual([1, 2]);
    expect(await next).toBe('a');
  });

  it('the lock of a message is held until the handler has ended, although an inner interceptor has given up on it', async () => {
    const first = send('limited', { id: 7, name: 'a' });
    await until(() => desk.has('a starts'));
    Limiting.over.next();
    await expect(first).rejects.toEqual({ status: 'error', message: 'Internal server error' });
    const second = send('limited', { id: 7, name: 'b' });
    await test.untilWaiting('order:7');
    expect(desk.events).toEqual(['a starts']);
    desk.gate('a').resolve();
    desk.gate('b').resolve();
    expect(await second).toBe('b');
    expect(desk.events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
  });

  it('keys may be made of the context of a message', async () => {
    expect(await send('keys')).toEqual(['pattern:keys']);
  });

  it('the error of a key names what a message does not have', async () => {
    await expect(send('wrong')).rejects.toBeDefined();
    expect(test.log.lines).toEqual([
      expect.stringContaining('a message of a microservice has no "params". There are: data, context.'),
    ]);
  });

  it('the filter tells a client that the lock is busy, without its key', async () => {
    await test.locking.acquire('busy');
    const message = 'The resource is busy, try again later.';
    await expect(send('busy')).rejects.toEqual({ status: 'error', message, code: 'LOCK_TIMEOUT' });
  });

  it('an event whose lock is busy is logged, as its sender gets no answer', async () => {
    await test.locking.acquire('busy');
    client.emit('busy-event', {});
    await until(() => test.log.lines.length > 0);
    expect(test.log.lines).toEqual([expect.stringMatching(/^warn: LockTimeoutError: "busy" is held/)]);
  });

  it('without the filter, a busy lock is left to the fallback, or to Nest', async () => {
    await test.locking.acquire('busy');
    expect(await send('fallback')).toBe('LOCK_TIMEOUT');
    await expect(send('own')).rejects.toEqual({ status: 'error', message: 'Internal server error' });
  });
});
