import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Injectable, Post, UseInterceptors, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { retry, type Observable } from 'rxjs';
import { Idempotent, LockRequest, RecordService } from '../../../lib/index.js';
import { Deferred, Desk, PLATFORMS, TestApp, until } from '../../requests/support.js';

let desk = new Desk();
let calls = 0;

/** Runs the rest of the request again when it fails. */
@Injectable()
class Retrying {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(retry(2));
  }
}

async function work(): Promise<{ call: number }> {
  calls += 1;
  const call = calls;
  await desk.work(`call ${call}`);
  return { call };
}

async function failAtFirst(): Promise<{ call: number }> {
  calls += 1;
  return calls === 1 ? Promise.reject(new Error('at first')) : Promise.resolve({ call: calls });
}

@Controller()
class Orders {
  @Post('idempotent-above')
  @Idempotent()
  @LockRequest('order')
  async above(): Promise<object> {
    return work();
  }

  @Post('idempotent-below')
  @LockRequest('order')
  @Idempotent()
  async below(): Promise<object> {
    return work();
  }

  // The interceptor of the lowest decorator is the outermost one.
  @Post('retry-outside')
  @Idempotent()
  @LockRequest('order')
  @UseInterceptors(Retrying)
  async retryOutside(): Promise<object> {
    return failAtFirst();
  }

  @Post('retry-between')
  @LockRequest('order')
  @UseInterceptors(Retrying)
  @Idempotent()
  async retryBetween(): Promise<object> {
    return failAtFirst();
  }

  @Post('retry-inside')
  @Idempotent()
  @UseInterceptors(Retrying)
  @LockRequest('order')
  async retryInside(): Promise<object> {
    return failAtFirst();
  }
}

@Controller('on-class')
@LockRequest('order')
class LockedOrders {
  @Post()
  @Idempotent()
  async handle(): Promise<object> {
    return work();
  }
}

const PATHS = ['/idempotent-above', '/idempotent-below', '/on-class'];

describe.each(PLATFORMS)('@Idempotent with @LockRequest on %s', (platform) => {
  let app: TestApp;

  beforeEach(async () => {
    calls = 0;
    desk = new Desk();
    app = await TestApp.start(platform, { controllers: [Orders, LockedOrders] });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await app.close();
  });

  const post = async (path: string, key = 'k') =>
    app.get(path, { method: 'POST', headers: { 'Idempotency-Key': key }, signal: AbortSignal.timeout(30_000) });

  /** Whether the request's lock is held when the result is written. The write goes on when the test says so. */
  const holdBackResult = (): { written: Promise<boolean>; goOn: () => void } => {
    const records = app.app.get(RecordService);
    const write = records.write.bind(records);
    const written = new Deferred<boolean>();
    const gate = new Deferred();
    jest.spyOn(records, 'write').mockImplementation(async (name, value, options) => {
      if ((value as { state?: string }).state === 'done') {
        // What the response's end would have released would be free by then.
        for (let round = 0; round < 20; round += 1) await new Promise(setImmediate);
        written.resolve(await app.isHeld('order'));
        await gate.promise;
      }
      return write(name, value, options);
    });
    return { written: written.promise, goOn: gate.resolve };
  };

  it.each(PATHS)('the lock of a request is held until the answer is stored: %s', async (path) => {
    const { written, goOn } = holdBackResult();
    desk.gate('call 1').resolve();
    const first = post(path);
    expect(await written).toBe(true);
    goOn();
    expect(await first).toMatchObject({ status: 201, text: '{"call":1}' });
    await app.untilFree('order');
    expect(await post(path)).toMatchObject({ status: 201, text: '{"call":1}' });
    await app.untilFree('order');
  });

  it.each(PATHS)(
    'a client that leaves gets the answer when it comes again, and the lock is held until it is stored: %s',
    async (path) => {
      const { written, goOn } = holdBackResult();
      const leaving = httpRequest(app.url + path, { method: 'POST', headers: { 'Idempotency-Key': 'k' } });
      leaving.on('error', () => undefined);
      leaving.end();
      await until(() => desk.has('call 1 starts'));
      leaving.destroy();
      // The server has seen that it left.
      await until(
        async () =>
          (await new Promise<number>((resolve) => {
            (
              app.app.getHttpServer() as { getConnections(callback: (error: unknown, count: number) => void): void }
            ).getConnections((_, count) => {
              resolve(count);
            });
          })) === 0,
      );
      desk.gate('call 1').resolve();
      expect(await written).toBe(true);
      goOn();
      await app.untilFree('order');
      expect(await post(path)).toMatchObject({ status: 201, text: '{"call":1}' });
      expect(calls).toBe(1);
    },
  );

  it.each(PATHS)(
    'what a handler has returned whose lock was lost is repeated, and not done again: %s',
    async (path) => {
      const first = post(path);
      await until(() => desk.has('call 1 starts'));
      await app.locking.forceRelease('order');
      desk.gate('call 1').resolve();
      expect((await first).status).toBe(500);
      expect(await post(path)).toMatchObject({ status: 201, text: '{"call":1}' });
      expect(calls).toBe(1);
    },
  );

  it.each(['/retry-outside', '/retry-between', '/retry-inside'])(
    'an interceptor may run a request again whose lock encloses its answer: %s',
    async (path) => {
      for (let repetition = 0; repetition < 2; repetition += 1) {
        expect(await post(path)).toMatchObject({ status: 201, text: '{"call":2}' });
      }
      await app.untilFree('order');
    },
  );
});
