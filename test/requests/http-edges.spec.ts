import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Param,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { LockRequest } from '../../lib/index.js';
import { Deferred, Desk, PLATFORMS, TestApp, until } from './support.js';

const raw = (context: ExecutionContext): ServerResponse => {
  const response = context.switchToHttp().getResponse<ServerResponse & { raw?: ServerResponse }>();
  return response.raw ?? response;
};

let guarded: Deferred<ServerResponse>;
let pass: Deferred;

@Injectable()
class Slow implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    guarded.resolve(raw(context));
    await pass.promise;
    return true;
  }
}

class Answers implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    raw(context).end('early');
    return true;
  }
}

@Controller()
class OrdersController {
  constructor(@Inject(Desk) private readonly desk: Desk) {}

  @Get('pay/:name')
  @LockRequest('order', { timeout: '1m' })
  async pay(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }

  @Get('guarded')
  @UseGuards(Slow)
  @LockRequest('order')
  async guarded(): Promise<string> {
    return this.desk.work('guarded');
  }

  @Get('answered')
  @UseGuards(Answers)
  @LockRequest('order')
  async answered(): Promise<string> {
    return this.desk.work('answered');
  }
}

describe.each(PLATFORMS)('HTTP, at the edges (%s)', (platform) => {
  let desk: Desk;
  let test: TestApp;
  beforeEach(async () => {
    desk = new Desk();
    guarded = new Deferred();
    pass = new Deferred();
    const providers = [{ provide: Desk, useValue: desk }];
    test = await TestApp.start(platform, { controllers: [OrdersController], providers });
  });
  afterEach(async () => test.close());

  it('a handler does not begin for a client that has disconnected', async () => {
    const client = new AbortController();
    const gone = test.get('/guarded', { signal: client.signal });
    const response = await guarded.promise;
    client.abort();
    await expect(gone).rejects.toThrow('aborted');
    await until(() => response.destroyed);
    pass.resolve();
    const next = test.get('/pay/a');
    await until(() => desk.has('a starts'));
    desk.gate('a').resolve();
    expect((await next).text).toBe('a');
    expect(desk.events).toEqual(['a starts', 'a ends']);
    expect(test.log.lines).toEqual([]);
  });

  it('a handler whose request was already answered holds its lock for as long as it runs', async () => {
    expect((await test.get('/answered')).text).toBe('early');
    await until(() => desk.has('answered starts'));
    expect(await test.isHeld('order')).toBe(true);
    desk.gate('answered').resolve();
    await test.untilFree('order');
  });

  it('pipelined requests of a closed connection leave nothing held', async () => {
    const socket = connect(Number(new URL(test.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    for (const name of ['a', 'b', 'c']) socket.write(`GET /pay/${name} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await test.untilWaiting('order', 2);
    socket.destroy();
    await test.untilWaiting('order', 0);
    expect(desk.events).toEqual(['a starts']);
    desk.gate('a').resolve();
    await test.untilFree('order');
  });
});
