import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  Body,
  Catch,
  Controller,
  Get,
  Header,
  HttpCode,
  HttpException,
  Injectable,
  Param,
  ParseIntPipe,
  Post,
  Redirect,
  Res,
  Sse,
  StreamableFile,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { concatMap, map, of, retry, type Observable } from 'rxjs';
import {
  Idempotent,
  IdempotencyService,
  isLockConfigurationError,
  LockBackendError,
  LockRequest,
  RecordService,
} from '../../../lib/index.js';
import { Deferred, Desk, Limiting, PLATFORMS, TestApp, until } from '../../requests/support.js';
import { thrown } from '../../support/nest-apps.js';

let desk = new Desk();
let calls: unknown[] = [];

/** Sets the user as an authentication guard does. */
@Injectable()
class NamedUser implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: unknown }>();
    const name = request.headers['x-user'];
    if (name !== undefined) request.user = name === 'nameless' ? { roles: [] } : { id: name };
    return true;
  }
}

class DomainError extends Error {}

@Catch(DomainError)
class DomainFilter implements ExceptionFilter<DomainError> {
  catch(error: DomainError, host: ArgumentsHost): void {
    const response = host.getArgByIndex<{ status(code: number): { send(body: unknown): void } }>(1);
    response.status(402).send({ declined: error.message });
  }
}

/** Shows what an instance says that may be shown, as ClassSerializerInterceptor does; and wraps it. */
@Injectable()
class Presenting implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data: data instanceof Account ? { name: data.name } : data })));
  }
}

/** Runs the rest of the request again when it fails. */
@Injectable()
class Retrying implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(retry(2));
  }
}

/** Runs the rest of the request again although it has an answer. */
@Injectable()
class Repeating implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(concatMap(() => next.handle()));
  }
}

class Account {
  constructor(
    readonly name: string,
    readonly password: string,
  ) {}
}

interface PassthroughResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

@Controller()
@UseGuards(NamedUser)
class Payments {
  @Post('payments')
  @Idempotent()
  pay(@Body() body: unknown): unknown {
    calls.push(body);
    return { receipt: calls.length };
  }

  @Post('shops/:shop/payments')
  @Idempotent()
  payIn(@Param('shop', ParseIntPipe) shop: number): unknown {
    calls.push(shop);
    return { shop, receipt: calls.length };
  }

  @Post('slow')
  @Idempotent()
  async slow(): Promise<unknown> {
    calls.push('slow');
    return { done: await desk.work(`slow ${calls.length}`) };
  }

  @Post('waiting')
  @Idempotent({ wait: '1m' })
  async waiting(): Promise<unknown> {
    calls.push('waiting');
    return { done: await desk.work('waiting') };
  }

  @Post('optional')
  @Idempotent({ required: false, header: 'X-Request-Key' })
  optional(): unknown {
    calls.push('optional');
    return { receipt: calls.length };
  }

  @Post('dressed')
  @HttpCode(202)
  @Header('X-Static', 'always')
  @Idempotent({ headers: ['X-Kept'] })
  dressed(@Res({ passthrough: true }) response: PassthroughResponse): string {
    calls.push('dressed');
    response.header('Location', '/payments/7');
    response.header('X-Kept', 'kept');
    response.header('X-Dropped', 'dropped');
    response.header('Set-Cookie', 'session=secret');
    response.header('Content-Type', 'text/csv; charset=utf-8');
    response.status(203);
    return 'a;b;ü\n';
  }

  @Post('moved')
  @Redirect('/elsewhere', 303)
  @Idempotent()
  moved(): void {
    calls.push('moved');
  }

  @Post('empty')
  @Idempotent()
  empty(): void {
    calls.push('empty');
  }

  @Post('fails/:status')
  @Idempotent()
  fails(@Param('status', ParseIntPipe) status: number): never {
    calls.push(status);
    throw new HttpException({ reason: 'no', call: calls.length }, status);
  }

  @Post('declined')
  @UseFilters(DomainFilter)
  @Idempotent()
  declined(): never {
    calls.push('declined');
    throw new DomainError(`card ${calls.length}`);
  }

  // The interceptor of the lower decorator is the outer one.
  @Post('account')
  @Idempotent()
  @UseInterceptors(Presenting)
  account(): Account {
    calls.push('account');
    return new Account('ann', 'secret');
  }

  @Post('account-inside')
  @UseInterceptors(Presenting)
  @Idempotent()
  accountInside(): Account {
    calls.push('account');
    return new Account('ann', 'secret');
  }

  @Post('observed')
  @Idempotent()
  @UseInterceptors(Presenting)
  observed(): Observable<unknown> {
    calls.push('observed');
    return of('first', { last: calls.length });
  }

  @Post('limited')
  @Idempotent()
  @UseInterceptors(Limiting)
  async limited(): Promise<unknown> {
    calls.push('limited');
    return { done: await desk.work('limited') };
  }

  @Post('limited-inside')
  @UseInterceptors(Limiting)
  @Idempotent()
  async limitedInside(): Promise<unknown> {
    calls.push('limited');
    return { done: await desk.work('limited') };
  }

  @Post('retried')
  @Idempotent()
  @UseInterceptors(Retrying)
  async retried(): Promise<unknown> {
    calls.push('retried');
    if (calls.length === 1) return Promise.reject(new Error('at first'));
    return Promise.resolve({ call: calls.length });
  }

  @Post('repeated')
  @Idempotent()
  @UseInterceptors(Repeating)
  repeated(): unknown {
    calls.push('repeated');
    return { call: calls.length };
  }

  @Post('locked')
  @Idempotent()
  @LockRequest('locked')
  locked(): unknown {
    calls.push('locked');
    return { call: calls.length };
  }

  @Post('locked-inside')
  @LockRequest('locked')
  @Idempotent()
  lockedInside(): unknown {
    calls.push('locked');
    return { call: calls.length };
  }

  @Post('encoded')
  @Header('Content-Encoding', 'gzip')
  @Header('Content-Type', 'text/plain')
  @Idempotent()
  encoded(): Buffer {
    calls.push('encoded');
    return gzipSync(`call ${calls.length}`);
  }

  @Post('stream')
  @Idempotent()
  stream(): StreamableFile {
    calls.push('stream');
    return new StreamableFile(Readable.from(['a', 'b']));
  }

  @Post('large')
  @Idempotent({ maxSize: 1000 })
  large(): string {
    calls.push('large');
    return 'x'.repeat(2000);
  }

  @Post('rejecting')
  @Idempotent({ onAbandoned: 'reject' })
  async rejecting(): Promise<string> {
    calls.push('rejecting');
    return desk.work('rejecting');
  }

  @Post('by-name')
  @Idempotent({ principal: ({ headers }) => String(headers['X-Name']), fingerprint: () => 'same' })
  byName(): unknown {
    calls.push('by-name');
    return { receipt: calls.length };
  }

  @Get('events')
  @Sse()
  @Idempotent()
  events(): Observable<unknown> {
    calls.push('events');
    return of({ data: 1 });
  }
}

describe.each(PLATFORMS)('@Idempotent on %s', (platform) => {
  let app: TestApp;

  beforeEach(async () => {
    calls = [];
    desk = new Desk();
    app = await TestApp.start(platform, { controllers: [Payments], providers: [NamedUser] });
  });

  afterEach(async () => {
    await app.close();
  });

  const post = async (path: string, key: string | undefined, body: unknown = { amount: 10 }, headers = {}) => {
    const keys: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key };
    return app.get(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...keys, ...headers },
      body: JSON.stringify(body),
      redirect: 'manual',
    });
  };

  const expectProblem = (
    answer: { status: number; text: string; headers: Headers },
    status: number,
    code: string,
  ): void => {
    expect({ status: answer.status, ...(JSON.parse(answer.text) as object) }).toMatchObject({ status, code });
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(answer.text)).toEqual({
      type: 'about:blank',
      title: expect.any(String),
      status,
      detail: expect.any(String),
      code,
    });
  };

  it('a repetition gets the first answer, and says so', async () => {
    const first = await post('/payments', 'k1');
    expect(first).toMatchObject({ status: 201, text: '{"receipt":1}' });
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    const second = await post('/payments', 'k1');
    expect(second).toMatchObject({ status: 201, text: '{"receipt":1}' });
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'));
    expect((await post('/payments', '"k1"')).text).toBe('{"receipt":1}');
    expect((await post('/payments', 'k2')).text).toBe('{"receipt":2}');
    expect(calls).toHaveLength(2);
  });

  it('a request without a key is refused with 400, as are keys that cannot be used', async () => {
    const missing = await post('/payments', undefined);
    expectProblem(missing, 400, 'IDEMPOTENCY_KEY_MISSING');
    expect(missing.text).toContain('Idempotency-Key');
    for (const key of ['', '""', '"a', 'a b', 'a,b', '"a", "b"', '"a";b=1', 'é', '"é"', 'k'.repeat(256)]) {
      expectProblem(await post('/payments', key), 400, 'IDEMPOTENCY_KEY_INVALID');
    }
    expect(calls).toEqual([]);
    for (const key of [
      'k'.repeat(255),
      '"a \\"quoted\\" \\\\ key, with all"',
      '8e03978e-40d5-43dd-bc93-6894a57f9324',
    ]) {
      expect((await post('/payments', key)).status).toBe(201);
    }
  });

  it('where no key is required, requests without are handled each by itself', async () => {
    expect((await post('/optional', undefined)).text).toBe('{"receipt":1}');
    expect((await post('/optional', undefined)).text).toBe('{"receipt":2}');
    for (let repetition = 0; repetition < 2; repetition += 1) {
      expect((await post('/optional', undefined, {}, { 'X-Request-Key': 'k' })).text).toBe('{"receipt":3}');
    }
  });

  it('the same key with another payload or another path is refused with 422', async () => {
    await post('/payments', 'k', { amount: 10, to: { name: 'a', id: 1 } });
    expect((await post('/payments', 'k', { to: { id: 1, name: 'a' }, amount: 10 })).status).toBe(201);
    expectProblem(await post('/payments', 'k', { amount: 11 }), 422, 'IDEMPOTENCY_KEY_REUSED');
    expectProblem(await post('/payments?to=b', 'k', { amount: 10 }), 422, 'IDEMPOTENCY_KEY_REUSED');
    await post('/shops/1/payments', 'k');
    expectProblem(await post('/shops/2/payments', 'k'), 422, 'IDEMPOTENCY_KEY_REUSED');
    expect(calls).toHaveLength(2);
  });

  it('of two at once one runs, and the other is refused with 409 and Retry-After', async () => {
    const first = post('/slow', 'k');
    await until(() => desk.has('slow 1 starts'));
    const second = await post('/slow', 'k');
    expectProblem(second, 409, 'IDEMPOTENCY_IN_PROGRESS');
    expect(second.headers.get('retry-after')).toBe('1');
    desk.gate('slow 1').resolve();
    expect((await first).text).toBe('{"done":"slow 1"}');
    expect((await post('/slow', 'k')).text).toBe('{"done":"slow 1"}');
    expect(calls).toEqual(['slow']);
  });

  it('a repetition that is to wait gets the answer once it is there', async () => {
    const first = post('/waiting', 'k');
    await until(() => calls.length === 1);
    const second = post('/waiting', 'k');
    let key = '';
    await until(async () => {
      for await (const held of app.locking.list()) key = held.waiters === 1 ? held.key : '';
      return key.startsWith('idempotency:http:');
    });
    desk.gate('waiting').resolve();
    expect((await second).text).toBe((await first).text);
    expect((await second).headers.get('idempotent-replayed')).toBe('true');
    expect(calls).toHaveLength(1);
  });

  /** What `change` makes of the write of a result; the claim before it goes through. */
  const onResultWritten = (change: () => Promise<void>): void => {
    const records = app.app.get(RecordService);
    const write = records.write.bind(records);
    jest.spyOn(records, 'write').mockImplementation(async (name, value, options) => {
      if ((value as { state?: string }).state === 'done') await change();
      return write(name, value, options);
    });
  };

  it('the answer is stored before it leaves', async () => {
    const gate = new Deferred();
    let writing = false;
    let answered = false;
    onResultWritten(async () => {
      writing = true;
      await gate.promise;
    });
    const first = post('/payments', 'k').finally(() => (answered = true));
    await until(() => writing);
    // An answer that had left before this request came would be here by now.
    expectProblem(await post('/payments', 'k'), 409, 'IDEMPOTENCY_IN_PROGRESS');
    expect(answered).toBe(false);
    gate.resolve();
    expect((await first).status).toBe(201);
    expect((await post('/payments', 'k')).headers.get('idempotent-replayed')).toBe('true');
  });

  it('an answer that the store does not take is not sent', async () => {
    onResultWritten(async () => Promise.reject(new LockBackendError([], 'the store is down')));
    const first = await post('/payments', 'k');
    expectProblem(first, 503, 'IDEMPOTENCY_NOT_STORED');
    expect(first.headers.get('retry-after')).toBe('5');
    expect(app.log.lines.join('\n')).toMatch(/was run, but its result could not be stored: the store is down/);
    jest.restoreAllMocks();
    expect((await post('/payments', 'k')).text).toBe('{"receipt":2}');
  });

  it('a repetition has the status, the body and the allowed headers, and never Set-Cookie', async () => {
    const first = await post('/dressed', 'k');
    expect(first.headers.get('set-cookie')).toBe('session=secret');
    const second = await post('/dressed', 'k');
    for (const { status, text, headers } of [first, second]) {
      expect({ status, text }).toEqual({ status: 203, text: 'a;b;ü\n' });
      expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
      expect(headers.get('location')).toBe('/payments/7');
      expect(headers.get('x-kept')).toBe('kept');
      expect(headers.get('content-length')).toBe('7');
    }
    expect(second.headers.get('set-cookie')).toBeNull();
    expect(second.headers.get('x-dropped')).toBeNull();
    expect(calls).toHaveLength(1);
  });

  it('redirects and empty answers are repeated', async () => {
    for (let repetition = 0; repetition < 2; repetition += 1) {
      const moved = await post('/moved', 'k');
      expect({ status: moved.status, location: moved.headers.get('location') }).toEqual({
        status: 303,
        location: '/elsewhere',
      });
      expect(await post('/empty', 'k')).toMatchObject({ status: 201, text: '' });
    }
    expect(calls).toHaveLength(2);
  });

  it.each([400, 402, 404, 422])('a refusal of the handler with %d is repeated', async (status) => {
    const path = `/fails/${status}`;
    const first = await post(path, 'k');
    expect(first).toMatchObject({ status, text: '{"reason":"no","call":1}' });
    const second = await post(path, 'k');
    expect(second).toMatchObject({ status, text: first.text });
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(calls).toHaveLength(1);
  });

  it.each([401, 403, 408, 409, 425, 429, 500, 502, 503])(
    'a failure of the handler with %d is not stored, and a repetition runs',
    async (status) => {
      await post(`/fails/${status}`, 'k');
      const second = await post(`/fails/${status}`, 'k');
      expect(second).toMatchObject({ status, text: '{"reason":"no","call":2}' });
      expect(second.headers.get('idempotent-replayed')).toBeNull();
    },
  );

  it('what a filter makes of an error is repeated', async () => {
    for (let repetition = 0; repetition < 2; repetition += 1) {
      expect(await post('/declined', 'k')).toMatchObject({ status: 402, text: '{"declined":"card 1"}' });
    }
  });

  it('what a pipe refuses is not stored', async () => {
    const invalid = await post('/shops/none/payments', 'k');
    expect(invalid.status).toBe(400);
    expect(JSON.parse(invalid.text)).toMatchObject({ message: expect.stringContaining('numeric') });
    expect((await post('/shops/3/payments', 'k')).status).toBe(201);
    expect(calls).toEqual([3]);
  });

  it('a repetition shows of an instance only what an outer interceptor has shown, and is wrapped once', async () => {
    for (let repetition = 0; repetition < 2; repetition += 1) {
      expect((await post('/account', 'k')).text).toBe('{"data":{"name":"ann"}}');
      expect((await post('/account-inside', 'k')).text).toBe('{"data":{"name":"ann"}}');
      expect((await post('/observed', 'k')).text).toBe('{"data":{"last":3}}');
    }
    const stored = [];
    for await (const record of app.app.get(RecordService).list('idempotency/')) stored.push(record.value);
    expect(JSON.stringify(stored)).not.toContain('secret');
  });

  it("another user's key is another key", async () => {
    expect((await post('/payments', 'k', {}, { 'X-User': 'ann' })).text).toBe('{"receipt":1}');
    expect((await post('/payments', 'k', {}, { 'X-User': 'bob' })).text).toBe('{"receipt":2}');
    expect((await post('/payments', 'k', {}, { Authorization: 'Bearer ann' })).text).toBe('{"receipt":3}');
    expect((await post('/payments', 'k', {}, { Authorization: 'Bearer bob' })).text).toBe('{"receipt":4}');
    expect((await post('/payments', 'k')).text).toBe('{"receipt":5}');
    expect((await post('/payments', 'k', {}, { 'X-User': 'ann' })).text).toBe('{"receipt":1}');
    expect((await post('/by-name', 'k', { v: 1 }, { 'X-Name': 'a' })).text).toBe('{"receipt":6}');
    expect((await post('/by-name', 'k', { v: 2 }, { 'X-Name': 'a' })).text).toBe('{"receipt":6}');
    expect((await post('/by-name', 'k', { v: 1 }, { 'X-Name': 'b' })).text).toBe('{"receipt":7}');
  });

  it('a user without a name fails the request before anything runs, and the log has the remedy', async () => {
    expect((await post('/payments', 'k', {}, { 'X-User': 'nameless' })).status).toBe(500);
    expect(calls).toEqual([]);
    expect(app.log.lines.join('\n')).toMatch(/request\.user has no id, sub or userId/);
  });

  it('a client that leaves gets the answer when it comes again', async () => {
    const leaving = httpRequest(`${app.url}/slow`, {
      method: 'POST',
      headers: { 'Idempotency-Key': 'k', 'Content-Type': 'application/json' },
    });
    leaving.on('error', () => undefined);
    leaving.end('{"amount":10}');
    await until(() => desk.has('slow 1 starts') && calls.length === 1);
    leaving.destroy();
    desk.gate('slow 1').resolve();
    await until(async () => (await post('/slow', 'k')).status === 201);
    expect((await post('/slow', 'k')).text).toBe('{"done":"slow 1"}');
    expect(calls).toHaveLength(1);
  });

  it('a handler on which an interceptor has given up is not repeated, and its answer is there afterwards', async () => {
    const first = post('/limited', 'k');
    await until(() => calls.length === 1);
    Limiting.over.next(undefined);
    expect((await first).status).toBe(500);
    expectProblem(await post('/limited', 'k'), 409, 'IDEMPOTENCY_IN_PROGRESS');
    desk.gate('limited').resolve();
    await until(async () => (await post('/limited', 'k')).status === 201);
    const second = await post('/limited', 'k');
    expect(second.text).toBe('{"done":"limited"}');
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(calls).toHaveLength(1);
  });

  it('a handler on which an interceptor inside has given up is not repeated', async () => {
    const first = post('/limited-inside', 'k');
    await until(() => calls.length === 1);
    Limiting.over.next(undefined);
    expect((await first).status).toBe(500);
    expectProblem(await post('/limited-inside', 'k'), 409, 'IDEMPOTENCY_IN_PROGRESS');
    desk.gate('limited').resolve();
    await until(async () => (await post('/limited-inside', 'k')).text.includes('IDEMPOTENCY_NOT_REPLAYABLE'));
    expect(calls).toHaveLength(1);
  });

  it('an interceptor outside may run a request again', async () => {
    for (let repetition = 0; repetition < 2; repetition += 1) {
      expect(await post('/retried', 'k')).toMatchObject({ status: 201, text: '{"call":2}' });
    }
    calls = [];
    for (let repetition = 0; repetition < 2; repetition += 1) {
      expect(await post('/repeated', 'k')).toMatchObject({ status: 201, text: '{"call":1}' });
    }
    expect(calls).toEqual(['repeated']);
  });

  it.each(['/locked', '/locked-inside'])('a request can be locked as well: %s', async (path) => {
    for (let repetition = 0; repetition < 2; repetition += 1) {
      expect(await post(path, 'k')).toMatchObject({ status: 201, text: '{"call":1}' });
    }
    await app.untilFree('locked');
    expect(calls).toHaveLength(1);
  });

  if (platform === 'fastify') {
    it('bytes that the handler has compressed are repeated as such', async () => {
      for (let repetition = 0; repetition < 2; repetition += 1) {
        expect(await post('/encoded', 'k')).toMatchObject({ status: 201, text: 'call 1' });
      }
      expect(calls).toHaveLength(1);
    });
  }

  it('a request that is under way at the shutdown gets its answer, which is stored', async () => {
    const first = post('/slow', 'k');
    await until(() => desk.has('slow 1 starts'));
    const states: string[] = [];
    const records = app.app.get(RecordService);
    const write = jest.spyOn(records, 'write');
    const closing = app.close();
    desk.gate('slow 1').resolve();
    expect(await first).toMatchObject({ status: 201, text: '{"done":"slow 1"}' });
    await closing;
    for (const [, value] of write.mock.calls) states.push((value as { state: string }).state);
    expect(states).toEqual(['done']);
  });

  it('pipelined repetitions on one connection are answered in order', async () => {
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString()));
    const head = 'POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nIdempotency-Key: ';
    socket.write([`${head}a\r\n\r\n`, `${head}b\r\n\r\n`, `${head}a\r\n\r\n`].join(''));
    await until(() => received.split('HTTP/1.1 ').length === 4);
    socket.destroy();
    const statuses = [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    expect(statuses.slice(0, 2)).toEqual(['201', '201']);
    expect(['201', '409']).toContain(statuses[2]);
    expect(calls).toHaveLength(2);
  });

  it('a stream is refused, and is not run again', async () => {
    expect((await post('/stream', 'k')).status).toBe(500);
    expect(app.log.lines.join('\n')).toMatch(/Payments.stream: the handler returned a stream/);
    expectProblem(await post('/stream', 'k'), 409, 'IDEMPOTENCY_NOT_REPLAYABLE');
    expect(calls).toHaveLength(1);
  });

  it('an answer above the limit is sent, but not repeated, and is not run again', async () => {
    expect((await post('/large', 'k')).text).toHaveLength(2000);
    expectProblem(await post('/large', 'k'), 409, 'IDEMPOTENCY_NOT_REPLAYABLE');
    expect(app.log.lines.join('\n')).toMatch(/cannot be kept: it has 2\d+ bytes/);
    expect(calls).toHaveLength(1);
  });

  it('an answer whose run another one has taken over is not sent', async () => {
    const first = post('/slow', 'taken');
    await until(() => calls.length === 1);
    let key = '';
    for await (const held of app.locking.list()) key = held.key;
    await app.locking.forceRelease(key);
    const second = post('/slow', 'taken');
    await until(() => calls.length === 2);
    desk.gate('slow 1').resolve();
    const lost = await first;
    expectProblem(lost, 409, 'IDEMPOTENCY_LOST');
    expect(lost.headers.get('retry-after')).toBe('1');
    desk.gate('slow 2').resolve();
    expect((await second).text).toBe('{"done":"slow 2"}');
    expect((await post('/slow', 'taken')).text).toBe('{"done":"slow 2"}');
  });

  it("an abandoned request is refused with onAbandoned: 'reject', until its key is forgotten", async () => {
    void post('/rejecting', 'k');
    await until(() => calls.length === 1);
    let key = '';
    for await (const held of app.locking.list()) key = held.key;
    await app.locking.forceRelease(key);
    const refused = await post('/rejecting', 'k');
    expectProblem(refused, 409, 'IDEMPOTENCY_ABANDONED');
    expect(refused.headers.get('retry-after')).toBeNull();
    await app.app.get(IdempotencyService).forget(key.replace('idempotency:', ''));
    desk.gate('rejecting').resolve();
    await until(async () => (await post('/rejecting', 'k')).status === 201);
    expect(calls).toHaveLength(2);
  });

  it('a payload that is nested too deeply is refused with 400', async () => {
    const body = '['.repeat(30_000) + ']'.repeat(30_000);
    const answer = await app.get('/payments', {
      method: 'POST',
      headers: { 'Idempotency-Key': 'k', 'Content-Type': 'application/json' },
      body,
    });
    expect(answer.status).toBe(400);
    expect(calls).toEqual([]);
  });

  it('server-sent events are refused before anything runs', async () => {
    const answer = await app.get('/events', { headers: { 'Idempotency-Key': 'k' } });
    expect(answer.status).not.toBe(409);
    expect(calls).toEqual([]);
  });
});

describe('what cannot work is refused at decoration', () => {
  it.each([
    [{ header: 'no header' }, /^header: "no header" is not the name/],
    [{ required: 'yes' as never }, /^required: must be true or false/],
    [{ headers: ['Set-Cookie'] }, /^headers: "set-cookie" cannot be repeated/],
    [{ headers: 'X-Kept' as never }, /^headers: "X-Kept" cannot be repeated/],
    [{ principal: 'user' as never }, /^principal: must be a function/],
    [{ fingerprint: 1 as never }, /^fingerprint: must be a function/],
    [{ ttl: 'long' as never }, /^ttl: "long" is not a length of time/],
    [{ timeout: 1 } as never, /^"timeout" is no option/],
  ])('%j', (options, message) => {
    const error = thrown(() => Idempotent(options));
    expect(isLockConfigurationError(error) && error.message).toMatch(message);
  });

  it('a handler that answers by hand', () => {
    const error = thrown(() => {
      class Manual {
        @Post()
        @Idempotent()
        handle(@Res() response: unknown): unknown {
          return response;
        }
      }
      return Manual;
    });
    expect(isLockConfigurationError(error) && error.message).toMatch(/^@Idempotent on Manual.handle: @Res\(\)/);
  });
});
