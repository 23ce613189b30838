import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { defer, from, type Observable } from 'rxjs';
import { LockingService, LockRequest, WithLock } from '../../lib/index.js';
import { Desk, PLATFORMS, TestApp, until } from './support.js';

@Controller('orders')
class OrdersController {
  constructor(
    @Inject(Desk) private readonly desk: Desk,
    @Inject(LockingService) private readonly locking: LockingService,
  ) {}

  @Get(':id/pay/:name')
  @LockRequest('order:<params.id>')
  async pay(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }

  @Get(':id/watch/:name')
  @LockRequest('order:<params.id>')
  watch(@Param('name') name: string): Observable<string> {
    return defer(() => from(this.desk.work(name)));
  }

  @Get(':id/lock')
  @LockRequest('order:<params.id>')
  async lock(): Promise<unknown> {
    const lock = this.locking.current();
    await this.joined();
    return { keys: lock?.keys, held: lock?.held };
  }

  @WithLock('order:7', { timeout: 0 })
  async joined(): Promise<void> {
    return Promise.resolve();
  }

  @Post('batch/:name')
  @LockRequest('sku:<body.lines[].sku>')
  async batch(@Param('name') name: string, @Body() body: { lines: unknown[] }): Promise<string> {
    return this.desk.work(`${name}${body.lines.length}`);
  }
}

describe.each(PLATFORMS)('@LockRequest over HTTP (%s)', (platform) => {
  let desk: Desk;
  let test: TestApp;
  beforeEach(async () => {
    desk = new Desk();
    const providers = [{ provide: Desk, useValue: desk }];
    test = await TestApp.start(platform, { controllers: [OrdersController], providers });
  });
  afterEach(async () => test.close());

  it.each(['pay', 'watch'])('lets one request in at a time, in order (%s)', async (route) => {
    const answers = [];
    for (const name of ['a', 'b', 'c']) {
      answers.push(test.get(`/orders/7/${route}/${name}`));
      if (name === 'a') await until(() => desk.has('a starts'));
      else await test.untilWaiting('order:7', answers.length - 1);
    }
    for (const name of ['a', 'b', 'c']) {
      await until(() => desk.has(`${name} starts`));
      desk.gate(name).resolve();
    }
    expect((await Promise.all(answers)).map(({ status, text }) => [status, text])).toEqual([
      [200, 'a'],
      [200, 'b'],
      [200, 'c'],
    ]);
    expect(desk.most).toBe(1);
    expect(desk.events).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends']);
    await test.untilFree('order:7');
  });

  it('requests for other keys do not wait', async () => {
    const first = test.get('/orders/7/pay/a');
    const second = test.get('/orders/8/pay/b');
    await until(() => desk.running === 2);
    desk.gate('a').resolve();
    desk.gate('b').resolve();
    expect((await first).status).toBe(200);
    expect((await second).status).toBe(200);
  });

  it('a request may lock one key per element of its body', async () => {
    const send = async (name: string, ...skus: string[]) =>
      test.get(`/orders/batch/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ lines: skus.map((sku) => ({ sku })) }),
      });
    const first = send('a', 'x', 'y');
    await until(() => desk.has('a2 starts'));
    const second = send('b', 'y', 'z');
    await test.untilWaiting('sku:y');
    expect(await test.isHeld('sku:x')).toBe(true);
    desk.gate('a2').resolve();
    desk.gate('b2').resolve();
    expect((await first).text).toBe('a2');
    expect((await second).text).toBe('b2');
    expect(desk.most).toBe(1);
  });

  it('the handler gets its lock, and calls inside join it', async () => {
    const { text } = await test.get('/orders/7/lock');
    expect(JSON.parse(text)).toEqual({ keys: ['order:7'], held: true });
  });

  it('a handler that fails passes its error on and frees the lock', async () => {
    desk.gate('a').reject(new Error('no'));
    expect((await test.get('/orders/7/pay/a')).status).toBe(500);
    await test.untilFree('order:7');
    desk.gate('b').reject(new Error('no'));
    expect((await test.get('/orders/7/watch/b')).status).toBe(500);
    await test.untilFree('order:7');
    expect(test.log.lines).toEqual(['error: Error: no', 'error: Error: no']);
  });
});
