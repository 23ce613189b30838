import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  Controller,
  Get,
  Inject,
  Injectable,
  Param,
  RequestTimeoutException,
  Res,
  StreamableFile,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import type { ServerResponse } from 'node:http';
import {
  catchError,
  firstValueFrom,
  from,
  Observable,
  of,
  race,
  retry,
  shareReplay,
  Subject,
  switchMap,
  throwError,
} from 'rxjs';
import { LockInterceptor, LockRequest, WithLock } from '../../lib/index.js';
import { Deferred, Desk, PLATFORMS, TestApp, until } from './support.js';

let timeLimit: Subject<void>;
let file: PassThrough;
let piping: Deferred;
let pipes = 0;
let torndown = 0;

const timedOut = (): Observable<never> =>
  timeLimit.pipe(switchMap(() => throwError(() => new RequestTimeoutException())));

/** The time limit of the Nest documentation, but it ends when the test says so. */
@Injectable()
class TimeLimit implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return race(next.handle(), timedOut());
  }
}

/** Answers with a default when the time is over. */
class Fallback implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return race(next.handle(), timedOut()).pipe(catchError(() => of('fallback')));
  }
}

/** Does not unsubscribe from the handler when its own subscriber leaves. */
class Detached implements NestInterceptor {
  async intercept(_context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const handled = firstValueFrom(next.handle().pipe(shareReplay(1)));
    return of(await Promise.race([handled, firstValueFrom(timedOut())]));
  }
}

/** Does not notice when its subscriber leaves. */
class Awaiting implements NestInterceptor {
  async intercept(_context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    return of(await firstValueFrom(next.handle()));
  }
}

class Retries implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return race(next.handle(), timedOut()).pipe(retry(1));
  }
}

class Cached implements NestInterceptor {
  intercept(): Observable<unknown> {
    return of('cached');
  }
}

class SlowPipe implements PipeTransform {
  async transform(value: string): Promise<string> {
    pipes += 1;
    await piping.promise;
    if (value === 'bad') throw new BadRequestException();
    return value;
  }
}

/** A decorator of the application that keeps the metadata of the method, like many. */
function Traced(): MethodDecorator {
  return (_target, _name, descriptor: PropertyDescriptor) => {
    const original = descriptor.value as (...args: unknown[]) => unknown;
    const wrapper = function (this: unknown, ...args: unknown[]): unknown {
      return original.apply(this, args);
    };
    for (const key of Reflect.getMetadataKeys(original) as unknown[]) {
      Reflect.defineMetadata(key, Reflect.getMetadata(key, original), wrapper);
    }
    descriptor.value = wrapper;
  };
}

@Controller()
class OrdersController {
  constructor(@Inject(Desk) protected readonly desk: Desk) {}

  @Get('above/:name')
  @UseInterceptors(TimeLimit)
  @LockRequest('order', { timeout: '1m' })
  above(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }

  @Get('fallback/:name')
  @UseInterceptors(Fallback)
  @LockRequest('order', { timeout: '1m' })
  fallback(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }

  @Get('detached/:name')
  @UseInterceptors(Detached)
  @LockRequest('order', { timeout: '1m' })
  detached(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }

  @Get('detached-observable/:name')
  @UseInterceptors(Detached)
  @LockRequest('order', { timeout: '1m' })
  detachedObservable(@Param('name') name: string): Observable<string> {
    return from(this.desk.work(name));
  }

  @Get('promised-observable/:name')
  @UseInterceptors(Detached)
  @LockRequest('order', { timeout: '1m' })
  promisedObservable(@Param('name') name: string): Promise<Observable<string>> {
    return Promise.resolve(from(this.desk.work(name)));
  }

  @Get('thenable/:name')
  @UseInterceptors(TimeLimit)
  @LockRequest('order', { timeout: '1m' })
  thenable(@Param('name') name: string): PromiseLike<string> {
    // lazy, like a query builder
    return { then: (resolve, reject) => this.desk.work(name).then(resolve, reject) };
  }

  @Get('wrapped/:name')
  @Traced()
  @WithLock('other')
  @UseInterceptors(TimeLimit)
  @LockRequest('order', { timeout: '1m' })
  wrapped(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }

  @Get('observable')
  @UseInterceptors(TimeLimit)
  @LockRequest('order')
  observable(): Observable<string> {
    return new Observable(() => () => (torndown += 1));
  }

  @Get('awaited')
  @UseInterceptors(Awaiting)
  @LockRequest('order')
  awaited(): Observable<string> {
    return new Observable(() => {
      this.desk.events.push('awaited starts');
      return () => (torndown += 1);
    });
  }

  @Get('file')
  @UseInterceptors(TimeLimit)
  @LockRequest('order')
  async file(): Promise<StreamableFile> {
    await this.desk.work('file');
    return new StreamableFile(file);
  }

  @Get('res')
  @UseInterceptors(TimeLimit)
  @LockRequest('order')
  res(@Res() response: ServerResponse | { raw: ServerResponse }): void {
    void this.desk.work('res').then((text) => ('raw' in response ? response.raw : response).end(text));
  }

  @Get('throws')
  @UseInterceptors(TimeLimit)
  @LockRequest('order')
  throws(): string {
    throw new BadRequestException();
  }

  @Get('cached')
  @UseInterceptors(Cached)
  @LockRequest('order')
  cached(): Promise<string> {
    return this.desk.work('cached');
  }

  @Get('retried')
  @UseInterceptors(Retries)
  @LockRequest('order', { timeout: '1m' })
  async retried(): Promise<string> {
    return this.desk.work('retried');
  }

  @Get('piped/:name')
  @UseInterceptors(TimeLimit)
  @LockRequest('order')
  piped(@Param('name', SlowPipe) name: string): Promise<string> {
    return this.desk.work(name);
  }

  @Get('itself')
  @UseInterceptors(TimeLimit)
  @LockRequest('order')
  async itself(): Promise<string> {
    if (this.desk.has('itself starts')) return 'called itself';
    const work = this.desk.work('itself');
    const own = await this.itself();
    await work;
    return own;
  }
}

@Controller('class')
@LockRequest('order', { timeout: '1m' })
class OnClass {
  constructor(@Inject(Desk) protected readonly desk: Desk) {}

  @Get('own/:name')
  @UseInterceptors(TimeLimit)
  own(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }

  @Get('replaced/:name')
  replaced(@Param('name') name: string): string {
    return name;
  }
}

/** Locked by the decorator of its parent. */
@Controller('child')
class Child extends OnClass {
  @Get('replaced/:name')
  @UseInterceptors(TimeLimit)
  override replaced(@Param('name') name: string): never {
    return this.desk.work(name) as never;
  }

  @Get('added/:name')
  @UseInterceptors(TimeLimit)
  added(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }
}

abstract class Unlocked {
  constructor(@Inject(Desk) protected readonly desk: Desk) {}

  @Get('inherited/:name')
  @UseInterceptors(TimeLimit)
  inherited(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }
}

/** Locks an inherited handler. */
@Controller('heir')
@LockRequest('order', { timeout: '1m' })
class Heir extends Unlocked {}

@Controller('bare')
class Bare extends Unlocked {
  @Get('locked/:name')
  @LockRequest('order', { timeout: '1m' })
  locked(@Param('name') name: string): Promise<string> {
    return this.desk.work(name);
  }
}

const controllers = [OrdersController, OnClass, Child, Heir, Bare];

describe.each(PLATFORMS)('an interceptor inside the lock that gives up on its handler (%s)', (platform) => {
  let desk: Desk;
  let test: TestApp;
  const start = async (...providers: object[]): Promise<void> => {
    const desks = { provide: Desk, useValue: desk };
    test = await TestApp.start(platform, { controllers, providers: [desks, ...(providers as never[])] });
  };
  beforeEach(() => {
    desk = new Desk();
    timeLimit = new Subject();
    file = new PassThrough();
    piping = new Deferred();
    pipes = 0;
    torndown = 0;
  });
  afterEach(async () => test.close());

  const expectLockedToTheEnd = async (path: string, status: number): Promise<void> => {
    const first = test.get(`${path}/a`);
    await until(() => desk.has('a starts'));
    timeLimit.next();
    expect((await first).status).toBe(status);
    const second = test.get(`${path}/b`);
    await test.untilWaiting('order');
    expect(desk.events).toEqual(['a starts']);
    desk.gate('a').resolve();
    desk.gate('b').resolve();
    expect(await second).toMatchObject({ status: 200, text: 'b' });
    await test.untilFree('order');
    expect(desk.events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
    expect(test.log.lines).toEqual([]);
  };

  it.each([
    ['/above', 408],
    ['/class/own', 408],
    ['/child/own', 408],
    ['/child/replaced', 408],
    ['/child/added', 408],
    ['/heir/inherited', 408],
    ['/wrapped', 408],
    ['/thenable', 408],
    ['/fallback', 200],
    ['/detached', 408],
    ['/detached-observable', 408],
    ['/promised-observable', 408],
  ])('the lock is not freed before the handler has ended (%s)', async (path, status) => {
    await start();
    await expectLockedToTheEnd(path, status);
  });

  it('a lock that was acquired before all global interceptors is not freed before the handler has ended', async () => {
    const lock = { provide: APP_INTERCEPTOR, useClass: LockInterceptor };
    await start(lock, { provide: APP_INTERCEPTOR, useClass: TimeLimit });
    await expectLockedToTheEnd('/bare/locked', 408);
  });

  it('an Observable ends with the inner interceptor, and with it the lock', async () => {
    await start();
    const answer = test.get('/observable');
    await until(async () => (await test.isHeld('order')) && timeLimit.observed);
    timeLimit.next();
    expect((await answer).status).toBe(408);
    await test.untilFree('order');
    expect(torndown).toBe(1);
  });

  it('an Observable that an interceptor awaits ends when the client has left', async () => {
    await start();
    const client = new AbortController();
    const answer = test.get('/awaited', { signal: client.signal });
    await until(() => desk.has('awaited starts'));
    client.abort();
    await expect(answer).rejects.toThrow('aborted');
    await test.untilFree('order');
    expect(torndown).toBe(1);
  });

  it('the stream of an answer that came too late is closed', async () => {
    await start();
    const answer = test.get('/file');
    await until(() => desk.has('file starts'));
    timeLimit.next();
    expect((await answer).status).toBe(408);
    expect(await test.isHeld('order')).toBe(true);
    desk.gate('file').resolve();
    await test.untilFree('order');
    expect(file.destroyed).toBe(true);
  });

  it('the lock is held until a handler that answers by hand has ended', async () => {
    await start();
    const answer = test.get('/res');
    await until(() => desk.has('res starts'));
    timeLimit.next();
    expect(await test.isHeld('order')).toBe(true);
    desk.gate('res').resolve();
    expect((await answer).text).toBe('res');
    await test.untilFree('order');
  });

  it.each([
    ['/throws', 400, ''],
    ['/cached', 200, 'cached'],
  ])('the lock is freed at once if no handler is running (%s)', async (path, status, text) => {
    await start();
    const answer = await test.get(path);
    expect(answer.status).toBe(status);
    if (text) expect(answer.text).toBe(text);
    await test.untilFree('order');
    expect(desk.events).toEqual([]);
  });

  it('the lock is freed if a pipe refuses the request', async () => {
    await start();
    piping.resolve();
    expect((await test.get('/piped/bad')).status).toBe(400);
    await test.untilFree('order');
    expect(desk.events).toEqual([]);
  });

  it('a handler does not begin if its pipes took longer than the time limit', async () => {
    await start();
    const answer = test.get('/piped/a');
    await until(() => pipes === 1);
    timeLimit.next();
    expect((await answer).status).toBe(408);
    await test.untilFree('order');
    piping.resolve();
    desk.gate('b').resolve();
    expect((await test.get('/piped/b')).text).toBe('b');
    expect(desk.events).toEqual(['b starts', 'b ends']);
  });

  it('a handler does not begin if its lock was lost while its pipes ran', async () => {
    await start();
    const answer = test.get('/piped/a');
    await until(() => pipes === 1);
    await test.locking.forceRelease('order');
    piping.resolve();
    expect((await answer).status).toBe(500);
    expect(desk.events).toEqual([]);
    expect(test.log.lines).toEqual([expect.stringContaining('LockLostError')]);
  });

  it('a retry of an inner interceptor does not run the handler twice at a time', async () => {
    await start();
    const answer = test.get('/retried');
    await until(() => desk.has('retried starts'));
    timeLimit.next();
    await until(() => timeLimit.observed);
    expect(desk.events).toEqual(['retried starts']);
    desk.gate('retried').resolve();
    expect((await answer).text).toBe('retried');
    await test.untilFree('order');
    expect(desk.events).toEqual(['retried starts', 'retried ends', 'retried starts', 'retried ends']);
  });

  it('a retry that was given up as well does not begin', async () => {
    await start();
    const answer = test.get('/retried');
    await until(() => desk.has('retried starts'));
    timeLimit.next();
    timeLimit.next();
    expect((await answer).status).toBe(408);
    expect(await test.isHeld('order')).toBe(true);
    desk.gate('retried').resolve();
    await test.untilFree('order');
    expect(desk.events).toEqual(['retried starts', 'retried ends']);
  });

  it('a handler may call itself', async () => {
    await start();
    desk.gate('itself').resolve();
    expect((await test.get('/itself')).text).toBe('called itself');
  });

  it('the lock of an Observable without a subscriber is held until it is torn down', async () => {
    await start();
    const answer = test.get('/detached-observable/a');
    await until(() => desk.has('a starts'));
    timeLimit.next();
    expect((await answer).status).toBe(408);
    expect(await test.isHeld('order')).toBe(true);
    desk.gate('a').reject(new Error('no'));
    await test.untilFree('order');
  });

  it('the loss of a lock while the handler runs on is logged', async () => {
    await start();
    const answer = test.get('/above/a');
    await until(() => desk.has('a starts'));
    timeLimit.next();
    expect((await answer).status).toBe(408);
    await test.locking.forceRelease('order');
    desk.gate('a').resolve();
    await until(() => test.log.lines.length > 0);
    expect(test.log.lines).toEqual([
      expect.stringMatching(/^warn: The lock of a request to OrdersController.above was lost before .*: "order"/),
    ]);
  });
});
