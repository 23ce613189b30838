import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Param,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { catchError, Subject, throwError, type Observable } from 'rxjs';
import { LockRequest } from '../../lib/index.js';
import { Desk, PLATFORMS, TestApp, until } from './support.js';

let ticks: Subject<string>;

@Controller()
class OrdersController {
  constructor(@Inject(Desk) private readonly desk: Desk) {}

  @Get('pay/:name')
  // longer than the test: no wait times out
  @LockRequest('order', { timeout: '1m' })
  async pay(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }

  // without a return type, and so without its metadata
  @Get('ticks')
  @LockRequest('order')
  ticks() {
    return ticks;
  }
}

const seen: unknown[] = [];
const closed: unknown[] = [];

class Recorder implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: Error) => {
        seen.push(error.message);
        return throwError(() => error);
      }),
    );
  }
}

describe.each(PLATFORMS)('a client that disconnects (%s)', (platform) => {
  let desk: Desk;
  let test: TestApp;
  beforeEach(async () => {
    desk = new Desk();
    ticks = new Subject();
    seen.length = 0;
    closed.length = 0;
    const providers = [{ provide: Desk, useValue: desk }];
    test = await TestApp.start(platform, { controllers: [OrdersController], providers }, (app) =>
      app.useGlobalInterceptors(new Recorder()),
    );
    const server = test.app.getHttpServer() as Server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      response.once('close', () => closed.push(request.url)),
    );
  });
  afterEach(async () => test.close());

  it('the request of a client that disconnects leaves the queue, and its handler never runs', async () => {
    const first = test.get('/pay/a');
    await until(() => desk.has('a starts'));
    const client = new AbortController();
    const gone = test.get('/pay/gone', { signal: client.signal });
    gone.catch(() => undefined);
    await test.untilWaiting('order');
    const last = test.get('/pay/b');
    await test.untilWaiting('order', 2);

    client.abort();
    await test.untilWaiting('order', 1);
    await expect(gone).rejects.toThrow('aborted');
    expect(desk.has('a ends')).toBe(false);
    expect(seen).toEqual(['Client Closed Request']);

    desk.gate('a').resolve();
    desk.gate('b').resolve();
    expect((await first).text).toBe('a');
    expect((await last).text).toBe('b');
    expect(desk.events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
    expect(test.log.lines).toEqual([]);
  });

  it('the lock is held while the handler of a client that has disconnected runs', async () => {
    const client = new AbortController();
    const gone = test.get('/pay/a', { signal: client.signal });
    await until(() => desk.has('a starts'));
    const next = test.get('/pay/b');
    await test.untilWaiting('order');
    client.abort();
    await expect(gone).rejects.toThrow('aborted');
    await until(() => closed.includes('/pay/a'));
    const third = test.get('/pay/c');
    await test.untilWaiting('order', 2);
    expect(desk.events).toEqual(['a starts']);

    for (const name of ['a', 'b', 'c']) desk.gate(name).resolve();
    expect((await next).text).toBe('b');
    expect((await third).text).toBe('c');
    expect(desk.most).toBe(1);
  });

  it('an Observable that has not emitted ends when its client disconnects', async () => {
    const client = new AbortController();
    const gone = test.get('/ticks', { signal: client.signal });
    await until(() => ticks.observed);
    client.abort();
    await expect(gone).rejects.toThrow('aborted');
    await test.untilFree('order');
    expect(ticks.observed).toBe(false);
  });
});
