import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Param, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isLockLostError, LockRequest, type LockLostError } from '../../lib/index.js';
import { Desk, PLATFORMS, TestApp, until } from './support.js';

@Controller()
class OrdersController {
  constructor(@Inject(Desk) private readonly desk: Desk) {}

  @Get('pay/:name')
  @LockRequest('order')
  async pay(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }
}

describe.each(PLATFORMS)('a lock that is lost while the handler runs (%s)', (platform) => {
  let desk: Desk;
  let test: TestApp;
  const errors: LockLostError[] = [];
  const filter: ExceptionFilter = {
    catch(error: unknown, host: ArgumentsHost) {
      if (isLockLostError(error)) errors.push(error);
      const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: string): void } }>();
      response.status(409).send('lost');
    },
  };
  beforeEach(async () => {
    desk = new Desk();
    errors.length = 0;
    const providers = [{ provide: Desk, useValue: desk }];
    test = await TestApp.start(platform, { controllers: [OrdersController], providers }, (app) =>
      app.useGlobalFilters(filter),
    );
  });
  afterEach(async () => test.close());

  it.each([
    ['returns', (name: string) => desk.gate(name).resolve(), { status: 'fulfilled', value: 'a' }],
    ['throws', (name: string) => desk.gate(name).reject(new Error('no')), { status: 'rejected', reason: Error('no') }],
  ])('a request whose lock is lost fails, with the outcome of a handler that %s', async (_what, settle, outcome) => {
    const answer = test.get('/pay/a');
    await until(() => desk.has('a starts'));
    await test.locking.forceRelease('order');
    const other = test.get('/pay/b');
    await until(() => desk.has('b starts'));
    settle('a');
    expect(await answer).toMatchObject({ status: 409, text: 'lost' });
    expect(errors).toEqual([expect.objectContaining({ code: 'LOCK_LOST', keys: ['order'], outcome })]);

    expect(await test.isHeld('order')).toBe(true);
    desk.gate('b').resolve();
    expect((await other).text).toBe('b');
    expect(test.log.lines).toEqual([]);
  });
});
