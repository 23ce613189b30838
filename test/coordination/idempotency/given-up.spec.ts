import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  Catch,
  Controller,
  HttpException,
  Injectable,
  Post,
  Res,
  UseFilters,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import {
  catchError,
  firstValueFrom,
  from,
  lastValueFrom,
  map,
  Observable,
  of,
  retry,
  takeUntil,
  throwError,
  timer,
  type ObservableInput,
} from 'rxjs';
import { Idempotent, LockBackendError, LockRequest, RecordService } from '../../../lib/index.js';
import { Desk, Limiting, PLATFORMS, TestApp, until } from '../../requests/support.js';

let desk = new Desk();
let calls = 0;
/** Observables of the handler that were unsubscribed from before their end. */
let cut = 0;

/** The job of a handler, as an Observable that works while anybody is subscribed. */
function observed(): Observable<object> {
  return new Observable((subscriber) => {
    calls += 1;
    const call = calls;
    let isOver = false;
    void desk.work(`call ${call}`).then(() => {
      isOver = true;
      subscriber.next({ part: 'first' });
      subscriber.next({ call });
      subscriber.complete();
    });
    return () => {
      if (!isOver) cut += 1;
    };
  });
}

async function promised(): Promise<object> {
  calls += 1;
  const call = calls;
  await desk.work(`call ${call}`);
  return { call };
}

/** An interceptor that does `change` to the rest of the request. */
function changing(
  change: (rest: Observable<unknown>, context: ExecutionContext) => Observable<unknown>,
): new () => NestInterceptor {
  @Injectable()
  class Changing implements NestInterceptor {
    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      return change(next.handle(), context);
    }
  }
  return Changing;
}

const answering = (answer: () => ObservableInput<unknown>) =>
  changing((rest, context) =>
    new Limiting().intercept(context, { handle: () => rest }).pipe(catchError(() => answer())),
  );

const Unavailable = answering(() => throwError(() => new HttpException('too late', 503)));
const Pending = answering(() => of({ state: 'pending' }));
/** Calls the handler again at its time limit. */
const Retrying = changing((rest, context) => new Limiting().intercept(context, { handle: () => rest }).pipe(retry(1)));
const Wrapping = changing((rest) => rest.pipe(map((data) => ({ data }))));
/** Ends with the connection. */
const UntilLeft = changing((rest, context) => {
  const { socket } = context.getArgByIndex<{ socket: { destroyed: boolean } }>(0);
  const left = new Observable((subscriber) => {
    const look = timer(0, 1).subscribe(() => {
      if (socket.destroyed) subscriber.next(undefined);
    });
    return look;
  });
  return rest.pipe(takeUntil(left));
});
/** Answers at once, and leaves the handler running. */
const Detaching = changing((rest) => {
  rest.subscribe({ error: () => undefined });
  return timer(1).pipe(map(() => ({ state: 'accepted' })));
});

/** The time limit of an interceptor that waits by Promises: it leaves the handler subscribed to. */
const Racing = changing((rest) =>
  from(
    Promise.race([lastValueFrom(rest), firstValueFrom(Limiting.over).then(async () => Promise.reject(new TooLate()))]),
  ),
);

class TooLate extends Error {}

/** Sets the status, and answers when the test says so. */
@Catch(TooLate)
class Slowly implements ExceptionFilter {
  async catch(_error: TooLate, host: ArgumentsHost): Promise<void> {
    const response = host.getArgByIndex<{ status(code: number): { send(body: unknown): void } }>(1);
    const sending = response.status(503);
    await desk.work('filter');
    const { raw, headersSent } = host.getArgByIndex<{ raw?: { headersSent: boolean }; headersSent?: boolean }>(1);
    if (!(raw?.headersSent ?? headersSent)) sending.send({ state: 'too late' });
  }
}

/** Answers past the framework, without a word. */
@Catch(HttpException)
class ByHand implements ExceptionFilter {
  catch(_error: HttpException, host: ArgumentsHost): void {
    const response = host.getArgByIndex<{ raw?: { end(): void }; end(): void }>(1);
    (response.raw ?? response).end();
  }
}

// The interceptor of the lower decorator is the outer one.
@Controller()
class Orders {
  @Post('observed/alone')
  @Idempotent()
  alone(): Observable<object> {
    return observed();
  }

  @Post('observed/lock-inside')
  @LockRequest('order')
  @Idempotent()
  inside(): Observable<object> {
    return observed();
  }

  @Post('observed/lock-outside')
  @Idempotent()
  @LockRequest('order')
  outside(): Observable<object> {
    return observed();
  }

  @Post('observed/later')
  @Idempotent()
  @LockRequest('order')
  async later(): Promise<Observable<object>> {
    return Promise.resolve(observed());
  }

  @Post('observed/limited-inside')
  @LockRequest('order')
  @Idempotent()
  @UseInterceptors(Limiting)
  limitedInside(): Observable<object> {
    return observed();
  }

  @Post('observed/limited-outside')
  @Idempotent()
  @LockRequest('order')
  @UseInterceptors(Limiting)
  limitedOutside(): Observable<object> {
    return observed();
  }

  @Post('limited-inside')
  @LockRequest('order')
  @Idempotent()
  @UseInterceptors(Limiting)
  async promiseInside(): Promise<object> {
    return promised();
  }

  @Post('limited-outside')
  @Idempotent()
  @LockRequest('order')
  @UseInterceptors(Limiting)
  async promiseOutside(): Promise<object> {
    return promised();
  }

  @Post('unavailable')
  @Idempotent()
  @LockRequest('order')
  @UseInterceptors(Unavailable)
  async unavailable(): Promise<object> {
    return promised();
  }

  @Post('pending')
  @Idempotent()
  @LockRequest('order')
  @UseInterceptors(Pending)
  async pending(): Promise<object> {
    return promised();
  }

  @Post('wrapped')
  @LockRequest('order')
  @UseInterceptors(Wrapping)
  @Idempotent()
  async wrapped(): Promise<object> {
    return promised();
  }

  @Post('until-left')
  @UseInterceptors(UntilLeft)
  @Idempotent()
  untilLeft(): Observable<object> {
    return observed();
  }

  @Post('until-left/promise')
  @UseInterceptors(UntilLeft)
  @Idempotent()
  async promiseUntilLeft(): Promise<object> {
    return promised();
  }

  @Post('detached')
  @UseInterceptors(Detaching)
  @Idempotent()
  detached(): Observable<object> {
    return observed();
  }

  @Post('rejecting/lock-inside')
  @LockRequest('order')
  @Idempotent({ onAbandoned: 'reject' })
  rejectingInside(): Observable<object> {
    return observed();
  }

  @Post('rejecting/lock-outside')
  @Idempotent({ onAbandoned: 'reject' })
  @LockRequest('order')
  rejectingOutside(): Observable<object> {
    return observed();
  }

  @Post('racing')
  @UseFilters(Slowly)
  @Idempotent()
  @LockRequest('order')
  @UseInterceptors(Racing)
  async racing(): Promise<object> {
    return promised();
  }

  @Post('racing/by-hand')
  @UseFilters(Slowly)
  @Idempotent()
  @UseInterceptors(Racing)
  async racingByHand(@Res({ passthrough: true }) response: { send(body: unknown): unknown }): Promise<void> {
    const result = await promised();
    response.send(result);
  }

  @Post('chosen')
  @Idempotent()
  async chosen(@Res({ passthrough: true }) response: { status(code: number): unknown }): Promise<object> {
    response.status(503);
    desk.gate(`call ${calls + 1}`).resolve();
    return promised();
  }

  @Post('rejecting/retried')
  @UseInterceptors(Retrying)
  @LockRequest('order')
  @Idempotent({ onAbandoned: 'reject' })
  async retried(): Promise<object> {
    return promised();
  }

  @Post('by-hand')
  @UseFilters(ByHand)
  @LockRequest('order')
  @Idempotent()
  byHand(): never {
    calls += 1;
    throw new HttpException('no', 400);
  }
}

@Controller('observed/lock-on-class')
@LockRequest('order')
class LockedOrders {
  @Post()
  @Idempotent()
  handle(): Observable<object> {
    return observed();
  }
}

describe.each(PLATFORMS)('a handler with @Idempotent whose request is given up, on %s', (platform) => {
  let app: TestApp;

  beforeEach(async () => {
    calls = 0;
    cut = 0;
    desk = new Desk();
    app = await TestApp.start(platform, { controllers: [Orders, LockedOrders] });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await app.close();
  });

  const headers = { 'Idempotency-Key': 'k' };
  const post = async (path: string) => app.get(path, { method: 'POST', headers, signal: AbortSignal.timeout(30_000) });
  /** A repetition, once the first request has ended. */
  const again = async (path: string) => {
    let answer = await post(path);
    await until(async () => {
      answer = await post(path);
      return !answer.text.includes('IN_PROGRESS');
    });
    return { status: answer.status, text: answer.text };
  };

  it.each(['alone', 'lock-inside', 'lock-outside', 'lock-on-class', 'later'])(
    'an Observable runs to its end though the client leaves, and a repetition gets its result (%s)',
    async (order) => {
      const path = `/observed/${order}`;
      const leave = app.leaving(path, headers);
      await until(() => desk.has('call 1 starts'));
      await leave();
      expect(await app.isHeld('order')).toBe(order !== 'alone');
      expect(cut).toBe(0);
      desk.gate('call 1').resolve();
      expect(await again(path)).toEqual({ status: 201, text: '{"call":1}' });
      await app.untilFree('order');
      expect([calls, cut]).toEqual([1, 0]);
    },
  );

  it.each([
    ['/observed/limited-inside', 500],
    ['/observed/limited-outside', 500],
    ['/limited-inside', 500],
    ['/limited-outside', 500],
    ['/unavailable', 503],
    ['/pending', 201],
  ])(
    'a handler runs once, under its lock, where an interceptor outside has answered: %s with %i',
    async (path, status) => {
      const first = post(path);
      await until(() => desk.has('call 1 starts'));
      Limiting.over.next(undefined);
      expect((await first).status).toBe(status);
      expect(await app.isHeld('order')).toBe(true);
      desk.gate('call 1').resolve();
      expect(await again(path)).toEqual({ status: 201, text: '{"call":1}' });
      await app.untilFree('order');
      expect([calls, cut]).toEqual([1, 0]);
    },
  );

  it.each(['inside', 'outside'])(
    'an Observable that the loss of its lock has ended counts as abandoned, not as an empty answer (lock %s)',
    async (order) => {
      const lose = async (path: string, key: string): Promise<void> => {
        const first = post(path);
        await until(() => desk.has(`${key} starts`));
        await app.locking.forceRelease('order');
        expect((await first).status).toBe(500);
      };
      await lose(`/rejecting/lock-${order}`, 'call 1');
      const refused = await again(`/rejecting/lock-${order}`);
      expect([refused.status, JSON.parse(refused.text)]).toMatchObject([409, { code: 'IDEMPOTENCY_ABANDONED' }]);
      await lose(`/observed/lock-${order}`, 'call 2');
      desk.gate('call 3').resolve();
      expect(await again(`/observed/lock-${order}`)).toEqual({ status: 201, text: '{"call":3}' });
      expect([calls, cut]).toEqual([3, 2]);
      expect(app.log.lines.join('\n')).toMatch(/was ended half-way, as the lock of its request was lost/);
    },
  );

  it('a status that a filter has set before it answers is no refusal of the handler, which does not run again', async () => {
    const first = post('/racing');
    await until(() => desk.has('call 1 starts'));
    Limiting.over.next(undefined);
    await until(() => desk.has('filter starts'));
    desk.gate('call 1').resolve();
    await until(() => desk.has('call 1 ends'));
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    desk.gate('filter').resolve();
    expect(await first).toMatchObject({ status: 503, text: '{"state":"too late"}' });
    expect((await again('/racing')).text).toContain('IDEMPOTENCY_NOT_REPLAYABLE');
    expect(calls).toBe(1);
  });

  it('an answer by hand with the status of a filter is no refusal of the handler, which does not run again', async () => {
    const first = post('/racing/by-hand');
    await until(() => desk.has('call 1 starts'));
    Limiting.over.next(undefined);
    await until(() => desk.has('filter starts'));
    desk.gate('call 1').resolve();
    expect((await first).status).toBe(503);
    expect((await again('/racing/by-hand')).text).toContain('IDEMPOTENCY_NOT_REPLAYABLE');
    expect(calls).toBe(1);
    desk.gate('filter').resolve();
  });

  it('a status that the handler has set by itself is its refusal: it runs again', async () => {
    expect((await post('/chosen')).status).toBe(503);
    await until(async () => (await post('/chosen')).status === 503);
    expect(calls).toBeGreaterThan(1);
  });

  it('a handler that had come to its end when its lock was lost does not run again, as it was called twice', async () => {
    const first = post('/rejecting/retried');
    await until(() => desk.has('call 1 starts'));
    Limiting.over.next(undefined);
    await app.locking.forceRelease('order');
    desk.gate('call 1').resolve();
    expect((await first).status).toBe(500);
    expect((await again('/rejecting/retried')).text).toContain('IDEMPOTENCY_ABANDONED');
    expect(calls).toBe(1);
  });

  it('what interceptors outside the lock have made of an answer is repeated though the client has left', async () => {
    const leave = app.leaving('/wrapped', headers);
    await until(() => desk.has('call 1 starts'));
    await leave();
    desk.gate('call 1').resolve();
    expect(await again('/wrapped')).toEqual({ status: 201, text: '{"data":{"call":1}}' });
  });

  it.each(['/until-left', '/until-left/promise'])(
    'an interceptor inside that ends with the connection leaves no empty answer: %s',
    async (path) => {
      const leave = app.leaving(path, headers);
      await until(() => desk.has('call 1 starts'));
      await leave();
      await until(() => cut === 1 || path.endsWith('promise'));
      desk.gate('call 1').resolve();
      const second = await again(path);
      expect([second.status, JSON.parse(second.text)]).toMatchObject([409, { code: 'IDEMPOTENCY_NOT_REPLAYABLE' }]);
      expect(calls).toBe(1);
    },
  );

  it('an Observable that an interceptor has left running counts until its own end', async () => {
    expect(await post('/detached')).toMatchObject({ status: 201, text: '{"state":"accepted"}' });
    expect((await post('/detached')).text).toContain('IDEMPOTENCY_IN_PROGRESS');
    desk.gate('call 1').resolve();
    expect(await again('/detached')).toEqual({ status: 201, text: '{"state":"accepted"}' });
    expect([calls, cut]).toEqual([1, 0]);
  });

  it('what a filter sends past the framework is stored before it leaves, and repeated', async () => {
    for (let repetition = 0; repetition < 2; repetition += 1) {
      const { status, text, headers: sent } = await post('/by-hand');
      expect([status, text]).toEqual([201, '']);
      expect(sent.get('idempotent-replayed')).toBe(repetition === 0 ? null : 'true');
    }
    await app.untilFree('order');
    expect(calls).toBe(1);
  });

  it('what a filter sends past the framework is refused where it cannot be stored', async () => {
    const records = app.app.get(RecordService);
    const write = records.write.bind(records);
    jest.spyOn(records, 'write').mockImplementation(async (name, value, options) => {
      if ((value as { state?: string }).state === 'done') throw new LockBackendError([], 'the store is down');
      return write(name, value, options);
    });
    const { status, text, headers: sent } = await post('/by-hand');
    expect([status, JSON.parse(text)]).toMatchObject([503, { code: 'IDEMPOTENCY_NOT_STORED' }]);
    expect(sent.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(sent.get('retry-after')).toBe('5');
  });
});
