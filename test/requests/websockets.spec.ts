import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Inject, UseFilters, UseInterceptors } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebSocket } from 'ws';
import { LockExceptionFilter, LockRequest } from '../../lib/index.js';
import { Desk, Limiting, TestApp, until } from './support.js';

@WebSocketGateway()
class RoomsGateway {
  constructor(@Inject(Desk) private readonly desk: Desk) {}

  @SubscribeMessage('enter')
  @LockRequest('room:<data.room>')
  async enter(@MessageBody() { name }: { name: string }): Promise<object> {
    return { event: 'entered', data: await this.desk.work(name) };
  }

  @SubscribeMessage('limited')
  @UseInterceptors(Limiting)
  @LockRequest('room:<data.room>')
  async limited(@MessageBody() { name }: { name: string }): Promise<object> {
    return { event: 'entered', data: await this.desk.work(name) };
  }

  @SubscribeMessage('client')
  @LockRequest('client:<context.protocol>:<context.readyState>')
  client(): object {
    return { event: 'client', data: 'handled' };
  }

  @SubscribeMessage('wrong')
  @LockRequest('room:<body.room>')
  wrong(): object {
    return { event: 'wrong', data: 'handled' };
  }

  @SubscribeMessage('busy')
  @LockRequest('busy', { timeout: 0 })
  @UseFilters(LockExceptionFilter)
  busy(): object {
    return { event: 'busy', data: 'handled' };
  }
}

describe('@LockRequest on WebSockets', () => {
  let desk: Desk;
  let test: TestApp;
  let client: WebSocket;
  const answers: unknown[] = [];
  beforeEach(async () => {
    desk = new Desk();
    answers.length = 0;
    const providers = [RoomsGateway, { provide: Desk, useValue: desk }];
    test = await TestApp.start('express', { providers }, (app) => app.useWebSocketAdapter(new WsAdapter(app)));
    client = new WebSocket(test.url.replace('http', 'ws'), 'chat');
    client.on('message', (data: Buffer) => answers.push(JSON.parse(data.toString())));
    await once(client, 'open');
  });
  afterEach(async () => {
    client.terminate();
    await test.close();
  });

  const send = (event: string, data: object = {}): void => {
    client.send(JSON.stringify({ event, data }));
  };

  it('one WebSocket message runs at a time', async () => {
    send('enter', { room: 7, name: 'a' });
    await until(() => desk.has('a starts'));
    send('enter', { room: 7, name: 'b' });
    await test.untilWaiting('room:7');
    desk.gate('a').resolve();
    desk.gate('b').resolve();
    await until(() => answers.length === 2);
    expect(answers).toEqual([
      { event: 'entered', data: 'a' },
      { event: 'entered', data: 'b' },
    ]);
    expect(desk.events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
    await test.untilFree('room:7');
  });

  it('the lock is held until the WebSocket handler has ended, although an inner interceptor has given up on it', async () => {
    send('limited', { room: 7, name: 'a' });
    await until(() => desk.has('a starts'));
    // Versions of Nest differ in whether they answer then.
    Limiting.over.next();
    send('limited', { room: 7, name: 'b' });
    await test.untilWaiting('room:7');
    expect(desk.events).toEqual(['a starts']);
    desk.gate('a').resolve();
    desk.gate('b').resolve();
    await until(() => desk.has('b ends'));
    expect(desk.events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
  });

  it('keys may be made of the WebSocket client', async () => {
    const lock = await test.locking.acquire('client:chat:1');
    send('client');
    await test.untilWaiting('client:chat:1');
    await lock.release();
    await until(() => answers.length === 1);
    expect(answers).toEqual([{ event: 'client', data: 'handled' }]);
  });

  it('the error of a key names what a WebSocket message does not have', async () => {
    send('wrong');
    await until(() => test.log.lines.length === 1);
    expect(test.log.lines[0]).toContain('a WebSocket message has no "body". There are: data, context.');
  });

  it('the filter tells a WebSocket client that the lock is busy', async () => {
    await test.locking.acquire('busy');
    send('busy');
    await until(() => answers.length === 1);
    const data = { status: 'error', message: 'The resource is busy, try again later.', code: 'LOCK_TIMEOUT' };
    expect(answers).toEqual([{ event: 'exception', data }]);
    expect(test.log.lines).toEqual([]);
  });
});
