/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module, UseGuards, type CanActivate, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  TcpContext,
  Transport,
  type ClientProxy,
} from '@nestjs/microservices';
import { createServer, type AddressInfo } from 'node:net';
import { firstValueFrom, of, toArray, type Observable } from 'rxjs';
import { LockingModule, LockingService, WithLock } from '../../lib/index.js';
import { eventually } from '../support/poll.js';
import { Stage, waiting } from '../support/nest-apps.js';

interface Pay {
  id: string;
  name: string;
}

const seen: string[] = [];

@Injectable()
class Audit implements CanActivate {
  canActivate(): boolean {
    seen.push('guard');
    return true;
  }
}

@Controller()
class Payments {
  static stage = new Stage();

  constructor(private readonly locking: LockingService) {}

  @MessagePattern('above')
  @WithLock('pay:<0.id>')
  async above(@Payload() pay: Pay, @Ctx() context: TcpContext): Promise<unknown> {
    await Payments.stage.enter(pay.name);
    return { keys: this.locking.current()?.keys, pattern: context.getPattern() };
  }

  @WithLock('pay:<1.id>')
  @UseGuards(Audit)
  @MessagePattern('guarded')
  async guarded(@Ctx() context: TcpContext, @Payload() _pay: Pay): Promise<unknown> {
    return Promise.resolve({ keys: this.locking.current()?.keys, pattern: context.getPattern() });
  }

  @WithLock('pay:<0.id>')
  @MessagePattern('data')
  async data(@Payload() pay: Pay): Promise<unknown> {
    await Payments.stage.enter(pay.name);
    return { keys: this.locking.current()?.keys };
  }

  @WithLock('pay:<0.id>')
  @MessagePattern('stream')
  stream(@Payload() pay: Pay): Observable<string> {
    return of(pay.id, this.locking.current()?.keys.join() ?? 'no lock');
  }

  @WithLock('pay:<0.id>')
  @EventPattern('paid')
  async eventBelow(@Payload() pay: Pay): Promise<void> {
    seen.push(`paid ${this.locking.current()?.keys.join() ?? ''} ${pay.name}`);
    return Promise.resolve();
  }

  @EventPattern('refunded')
  @WithLock('pay:<0.id>')
  async eventAbove(@Payload() pay: Pay): Promise<void> {
    seen.push(`refunded ${this.locking.current()?.keys.join() ?? ''} ${pay.name}`);
    return Promise.resolve();
  }
}

@Module({ imports: [LockingModule.forRoot()], controllers: [Payments] })
class PaymentsModule {}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('@WithLock in a microservice over TCP', () => {
  let app: INestMicroservice | undefined;
  let client: ClientProxy | undefined;

  const connect = async (): Promise<ClientProxy> => {
    const options = { host: '127.0.0.1', port: await freePort() };
    app = await NestFactory.createMicroservice(PaymentsModule, { transport: Transport.TCP, options, logger: false });
    await app.listen();
    client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    return client;
  };

  afterEach(async () => {
    await client?.close();
    await app?.close();
    seen.length = 0;
    Payments.stage = new Stage();
  });

  it.each(['above', 'data'])('locks a @MessagePattern per key, with its parameters in place: %s', async (pattern) => {
    const messages = await connect();
    const { stage } = Payments;
    const send = async (id: string, name: string): Promise<unknown> =>
      firstValueFrom(messages.send(pattern, { id, name }));

    const first = send('1', 'first');
    await stage.entered('first');
    const second = send('1', 'second');
    const other = send('2', 'other');
    await stage.entered('other');
    await waiting(app!, 'pay:1');
    expect(stage.inside).toEqual(['first', 'other']);

    stage.leave('first');
    await stage.entered('second');
    stage.leave('second');
    stage.leave('other');
    expect(await first).toMatchObject({ keys: ['pay:1'] });
    expect(await second).toMatchObject({ keys: ['pay:1'] });
    expect(await other).toMatchObject({ keys: ['pay:2'] });
  });

  it('@WithLock keeps the guards below it, and the order of the parameters', async () => {
    const messages = await connect();
    expect(await firstValueFrom(messages.send('guarded', { id: '1', name: 'a' }))).toEqual({
      keys: ['pay:1'],
      pattern: 'guarded',
    });
    expect(seen).toEqual(['guard']);
  });

  it('the caller of a microservice gets an error for a key that cannot be made', async () => {
    const messages = await connect();
    await expect(firstValueFrom(messages.send('data', { name: 'a' }))).rejects.toMatchObject({ status: 'error' });
    expect(Payments.stage.inside).toEqual([]);
  });

  it('a handler that returns an Observable is locked', async () => {
    const messages = await connect();
    expect(await firstValueFrom(messages.send('stream', { id: '1', name: 'a' }).pipe(toArray()))).toEqual([
      '1',
      'pay:1',
    ]);
  });

  it('@WithLock above or below @EventPattern locks the handler', async () => {
    const messages = await connect();
    messages.emit('paid', { id: '1', name: 'a' });
    messages.emit('refunded', { id: '2', name: 'b' });
    await eventually(() => seen.length === 2);
    expect([...seen].sort()).toEqual(['paid pay:1 a', 'refunded pay:2 b']);
  });
});
