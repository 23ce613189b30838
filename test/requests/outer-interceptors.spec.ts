import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  RequestTimeoutException,
  StreamableFile,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { NEVER, race, retry, Subject, switchMap, throwError, type Observable } from 'rxjs';
import { LockRequest } from '../../lib/index.js';
import { Desk, PLATFORMS, TestApp, until } from './support.js';

let timeLimit: Subject<void>;
let file: PassThrough;
let tries = 0;

/** The time limit of the Nest documentation, but it ends when the test says so. */
const limiting: NestInterceptor = {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const over = timeLimit.pipe(switchMap(() => throwError(() => new RequestTimeoutException())));
    return race(next.handle(), over);
  },
};

const retrying = (count: number, inner?: NestInterceptor): NestInterceptor => ({
  intercept: async (context: ExecutionContext, next: CallHandler) =>
    ((await inner?.intercept(context, next)) ?? next.handle()).pipe(retry(count)),
});

@Controller()
class OrdersController {
  constructor(@Inject(Desk) private readonly desk: Desk) {}

  @Get('slow')
  @LockRequest('order', { timeout: '1m' })
  slow(): Promise<string> {
    // the result of the handler is not used
    this.stream();
    return this.desk.work('slow');
  }

  @Get('file')
  @LockRequest('order')
  async file(): Promise<StreamableFile> {
    await this.desk.work('file');
    return new StreamableFile(file);
  }

  @Get('quiet')
  @LockRequest('order')
  quiet(): Promise<Observable<string>> {
    return Promise.resolve(NEVER);
  }

  @Get('stream')
  @LockRequest('order')
  stream(): Observable<never> {
    return NEVER;
  }

  @Get('flaky')
  // neither waits for the lock of an earlier try nor joins it
  @LockRequest('order', { timeout: 0, reentrant: false })
  async flaky(): Promise<string> {
    if (++tries < 3) throw new Error('try again');
    return this.desk.work('flaky');
  }
}

describe.each(PLATFORMS)('@LockRequest inside other interceptors (%s)', (platform) => {
  let desk: Desk;
  let test: TestApp;
  const start = async (interceptor: NestInterceptor) => {
    const providers = [{ provide: Desk, useValue: desk }];
    test = await TestApp.start(platform, { controllers: [OrdersController], providers }, (app) =>
      app.useGlobalInterceptors(interceptor),
    );
  };
  beforeEach(() => {
    desk = new Desk();
    timeLimit = new Subject();
    file = new PassThrough();
    tries = 0;
  });
  afterEach(async () => test.close());

  it.each(['slow', 'file'])(
    'the lock of a handler that outlives its time limit is held until it ends (%s)',
    async (route) => {
      await start(limiting);
      const answer = test.get(`/${route}`);
      await until(() => desk.has(`${route} starts`));
      timeLimit.next();
      expect((await answer).status).toBe(408);
      expect(await test.isHeld('order')).toBe(true);
      desk.gate(route).resolve();
      await test.untilFree('order');
      expect(desk.has(`${route} ends`)).toBe(true);
      await until(() => file.destroyed === (route === 'file'));
    },
  );

  it('an Observable ends at its time limit', async () => {
    await start(limiting);
    const answer = test.get('/quiet');
    await until(async () => (await test.isHeld('order')) && timeLimit.observed);
    timeLimit.next();
    expect((await answer).status).toBe(408);
    await test.untilFree('order');
  });

  it('the wait for the lock ends at the time limit', async () => {
    await start(limiting);
    const lock = await test.locking.acquire('order');
    const answer = test.get('/slow');
    await test.untilWaiting('order');
    timeLimit.next();
    expect((await answer).status).toBe(408);
    await test.untilWaiting('order', 0);
    await lock.release();
    expect(desk.events).toEqual([]);
  });

  it('each try of a retrying interceptor is locked', async () => {
    await start(retrying(2));
    const answer = test.get('/flaky');
    await until(() => desk.has('flaky starts'));
    expect(await test.isHeld('order')).toBe(true);
    desk.gate('flaky').resolve();
    expect(await answer).toMatchObject({ status: 200, text: 'flaky' });
    await test.untilFree('order');
  });

  it('a second try begins when the first one has ended, not when the response has', async () => {
    await start(retrying(1, limiting));
    const answer = test.get('/slow');
    await until(() => desk.has('slow starts'));
    timeLimit.next();
    await test.untilWaiting('order');
    expect(desk.events).toEqual(['slow starts']);
    desk.gate('slow').resolve();
    expect(await answer).toMatchObject({ status: 200, text: 'slow' });
    expect(desk.events).toEqual(['slow starts', 'slow ends', 'slow starts', 'slow ends']);
  });
});
