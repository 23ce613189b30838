/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, UseGuards, type CanActivate, type INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { NestFactory } from '@nestjs/core';
import { of, type Observable } from 'rxjs';
import { WebSocket } from 'ws';
import { LockingModule, LockingService, WithLock } from '../../lib/index.js';
import { freed, Stage, waiting } from '../support/nest-apps.js';

let guarded = 0;

@Injectable()
class Count implements CanActivate {
  canActivate(): boolean {
    guarded += 1;
    return true;
  }
}

@WebSocketGateway()
class OrdersGateway {
  readonly stage = new Stage();

  constructor(private readonly locking: LockingService) {}

  @SubscribeMessage('above')
  @WithLock('order:<0.id>')
  async above(@MessageBody() { name }: { id: string; name: string }): Promise<object> {
    await this.stage.enter(name);
    return this.answer();
  }

  @WithLock('order:<0.id>')
  @UseGuards(Count)
  @SubscribeMessage('below')
  async below(@MessageBody() _body: { id: string }): Promise<object> {
    return Promise.resolve(this.answer());
  }

  @WithLock('order:<0.id>')
  @SubscribeMessage('stream')
  stream(@MessageBody() _body: { id: string }): Observable<object> {
    return of(this.answer());
  }

  private answer(): object {
    return { event: 'done', data: this.locking.current()?.keys };
  }
}

@Module({ imports: [LockingModule.forRoot()], providers: [OrdersGateway] })
class AppModule {}

describe('@WithLock on a WebSocket gateway', () => {
  let app: INestApplication;
  const sockets: WebSocket[] = [];

  const connect = async (): Promise<(event: string, data: object) => Promise<unknown>> => {
    app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    app.useWebSocketAdapter(new WsAdapter(app));
    await app.listen(0, '127.0.0.1');
    const url = (await app.getUrl()).replace('http', 'ws');
    return async (event, data) => {
      const socket = new WebSocket(url);
      sockets.push(socket);
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      const answer = new Promise<unknown>((resolve) =>
        socket.once('message', (message: Buffer) => {
          resolve(JSON.parse(message.toString()));
        }),
      );
      socket.send(JSON.stringify({ event, data }));
      return answer;
    };
  };

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.terminate();
    await app.close();
  });

  it('messages of a WebSocket gateway are locked per key', async () => {
    const send = await connect();
    const { stage } = app.get(OrdersGateway);
    const first = send('above', { id: '1', name: 'first' });
    await stage.entered('first');
    const second = send('above', { id: '1', name: 'second' });
    await waiting(app, 'order:1');
    expect(stage.inside).toEqual(['first']);
    stage.leave('first');
    await stage.entered('second');
    stage.leave('second');
    const answer = { event: 'done', data: ['order:1'] };
    expect(await Promise.all([first, second])).toEqual([answer, answer]);
  });

  it.each(['below', 'stream'])('is found below the lock, guards included: %s', async (event) => {
    guarded = 0;
    const send = await connect();
    expect(await send(event, { id: '2' })).toEqual({ event: 'done', data: ['order:2'] });
    expect(guarded).toBe(event === 'below' ? 1 : 0);
    await freed(app, 'order:2');
  });
});
