import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { firstValueFrom, lastValueFrom, NEVER, of, type Observable } from 'rxjs';
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

describe('LockInterceptor, on calls that no server makes', () => {
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

  it('frees the lock of a simulated response, which finishes and never closes', async () => {
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
  ])('holds the lock for the handler alone where there is no response (%s %j)', async (type, args) => {
    expect(await lastValueFrom(intercept(type, args))).toBe('handled');
    expect(await isHeld()).toBe(false);
  });

  it('leaves no listener on a connection whose requests are done', async () => {
    const socket = new EventEmitter();
    const response = new EventEmitter();
    for (let i = 0; i < 3; i++) {
      const answered = firstValueFrom(intercept('http', [{ socket }, response]));
      await answered;
      response.emit('close');
      await until(async () => !(await isHeld()));
    }
    expect(response.eventNames()).toEqual([]);
    expect(socket.listenerCount('close')).toBe(1);
  });

  it('takes the lock when it is subscribed to, and anew each time', async () => {
    const request = intercept('rpc', [{}, {}]);
    expect(await isHeld()).toBe(false);
    expect(await lastValueFrom(request)).toBe('handled');
    expect(await lastValueFrom(request)).toBe('handled');
  });

  it('gives up its place when it is unsubscribed from', async () => {
    const lock = await locking.acquire('key');
    const subscription = intercept('rpc', [{}, {}], NEVER).subscribe();
    await until(async () => (await locking.inspect('key'))?.waiters === 1);
    subscription.unsubscribe();
    await until(async () => (await locking.inspect('key'))?.waiters === 0);
    await lock.release();
    expect(await isHeld()).toBe(false);
  });
});
