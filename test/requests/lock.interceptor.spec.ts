import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { firstValueFrom, lastValueFrom, NEVER, of, Subject, type Observable } from 'rxjs';
import { LockingModule, LockingService, LockInterceptor, LockRequest } from '../../lib/index.js';
import { until } from './support.js';

class Handlers {
  @LockRequest('key', { timeout: '1m' })
  handle(): string {
    return 'handled';
  }
}

@Module({ imports: [LockingModule.forRoot()], providers: [LockInterceptor] })
class AppModule {}

describe('LockInterceptor, called without a server', () => {
  let app: INestApplicationContext;
  let locking: LockingService;
  beforeEach(async () => {
    app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    locking = app.get(LockingService);
  });
  afterEach(async () => app.close());

  const intercept = (type: string, args: unknown[], handler: Observable<unknown> = of('handled')) => {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- Nest names handlers by their function
    const context = new ExecutionContextHost(args, Handlers, Handlers.prototype.handle);
    context.setType(type);
    return app.get(LockInterceptor).intercept(context, { handle: () => handler });
  };
  const isHeld = async () => (await locking.inspect('key')) !== null;

  it('the lock is freed when a simulated response finishes and never closes', async () => {
    const response = new EventEmitter();
    expect(await firstValueFrom(intercept('http', [{}, response]))).toBe('handled');
    expect(await isHeld()).toBe(true);
    response.emit('finish');
    await until(async () => !(await isHeld()));
    expect(response.eventNames()).toEqual([]);
  });

  it.each([
    ['http', ['a job', undefined]],
    ['http', []],
    ['telegram', [{ message: 'hi' }]],
  ])('without a response, the lock is held for the handler alone (%s %j)', async (type, args) => {
    expect(await lastValueFrom(intercept(type, args))).toBe('handled');
    expect(await isHeld()).toBe(false);
  });

  it('the interceptor keeps one listener on a connection, however many of its requests wait', async () => {
    const socket = new EventEmitter();
    const responses = [1, 2, 3].map(() => new EventEmitter());
    const answers = responses.map(async (response) => lastValueFrom(intercept('http', [{ socket }, response])));
    await until(async () => (await locking.inspect('key'))?.waiters === 2);
    expect(socket.listenerCount('close')).toBe(1);
    for (const [i, response] of responses.entries()) {
      expect(await answers[i]).toBe('handled');
      response.emit('close');
    }
    await until(async () => !(await isHeld()));
    expect(responses.map((response) => response.eventNames())).toEqual([[], [], []]);
    expect(socket.listenerCount('close')).toBe(1);
  });

  it('the interceptor passes nothing on once the lock is lost', async () => {
    const values: unknown[] = [];
    const source = new Subject();
    const failed = new Promise((resolve) => {
      intercept('rpc', [{}, {}], source).subscribe({ next: (value) => values.push(value), error: resolve });
    });
    await until(() => source.observed);
    await locking.forceRelease('key');
    source.next('late');
    expect(await failed).toMatchObject({ code: 'LOCK_LOST', outcome: { status: 'fulfilled', value: 'late' } });
    expect(values).toEqual([]);
    expect(source.observed).toBe(false);
  });

  it('each subscription to the interceptor acquires the lock again', async () => {
    const request = intercept('rpc', [{}, {}]);
    expect(await isHeld()).toBe(false);
    expect(await lastValueFrom(request)).toBe('handled');
    expect(await lastValueFrom(request)).toBe('handled');
  });

  it('a waiting request leaves the queue when its subscriber leaves', async () => {
    const lock = await locking.acquire('key');
    const subscription = intercept('rpc', [{}, {}], NEVER).subscribe();
    await until(async () => (await locking.inspect('key'))?.waiters === 1);
    subscription.unsubscribe();
    await until(async () => (await locking.inspect('key'))?.waiters === 0);
    await lock.release();
    expect(await isHeld()).toBe(false);
  });
});
