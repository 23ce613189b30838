import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  Controller,
  Header,
  HttpException,
  Injectable,
  Post,
  Res,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { catchError, of, type Observable } from 'rxjs';
import { Idempotent, isLockConfigurationError, LockBackendError, RecordService } from '../../../lib/index.js';
import { Desk, Limiting, PLATFORMS, TestApp, until } from '../../requests/support.js';
import { thrown } from '../../support/nest-apps.js';

let desk = new Desk();
let calls: string[] = [];
let tooLate = 202;

interface Settable {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/** Answers of its own accord when the handler takes too long. */
@Injectable()
class Pending {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: Error) => {
        if (error instanceof HttpException) throw error;
        context.getArgByIndex<Settable>(1).status(tooLate);
        return of({ state: 'pending' });
      }),
    );
  }
}

/** Changes the status of what has failed. */
@Injectable()
class Declining {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: Error) => {
        throw error instanceof HttpException ? error : new HttpException('declined', tooLate);
      }),
    );
  }
}

@Controller()
class Sessions {
  @Post('login')
  @Header('Cache-Control', 'public, max-age=60')
  @Header('X-Middleware', 'of the handler')
  @Idempotent()
  login(@Res({ passthrough: true }) response: Settable): object {
    calls.push('login');
    response.header('Set-Cookie', 'session=secret');
    response.header('X-Handler', 'secret');
    response.header('Content-Encoding', 'identity');
    return { call: calls.length };
  }

  @Post('appended')
  @Idempotent()
  appended(
    @Res({ passthrough: true }) response: Settable & { appendHeader?(name: string, value: string): void },
  ): object {
    calls.push('appended');
    // Under Fastify, `header` adds.
    if (response.appendHeader) response.appendHeader('Set-Cookie', 'session=secret');
    else response.header('Set-Cookie', 'session=secret');
    return { call: calls.length };
  }

  // The interceptor of the upper decorator is the inner one.
  @Post('inner')
  @UseInterceptors(Limiting)
  @Idempotent()
  @UseInterceptors(Pending)
  async inner(): Promise<object> {
    calls.push('inner');
    return { done: await desk.work('inner') };
  }

  @Post('inner-declined')
  @UseInterceptors(Limiting)
  @Idempotent()
  @UseInterceptors(Declining)
  async innerDeclined(): Promise<object> {
    calls.push('inner');
    return { done: await desk.work('inner') };
  }

  @Post('nested')
  @UseInterceptors(Limiting)
  @Idempotent()
  @UseInterceptors(Pending)
  async nested(): Promise<object> {
    calls.push('nested');
    await Promise.resolve();
    await this.called();
    return { done: await desk.work('nested') };
  }

  @Post('called')
  @Idempotent()
  async called(): Promise<string> {
    return Promise.resolve('called');
  }

  @Post('outer')
  @Idempotent()
  @UseInterceptors(Limiting)
  @UseInterceptors(Pending)
  async outer(): Promise<object> {
    calls.push('outer');
    return { done: await desk.work('outer') };
  }
}

interface Response {
  setHeader(name: string, value: string | string[]): void;
  writeHead: (status: number, headers?: object) => unknown;
}

/**
 * Middleware sets headers before the request is handled; a plugin of Fastify sets cookies as the answer is sent, as middleware of Express
 * does, with the head or just before.
 */
function addPlugins(app: INestApplication, platform: string): void {
  app.use(({ url }: { url: string }, response: Response, next: () => void) => {
    response.setHeader('X-Middleware', 'kept');
    if (url.startsWith('/appended')) response.setHeader('Set-Cookie', ['early=1', 'early=2']);
    if (platform === 'express') {
      const { writeHead } = response;
      response.writeHead = (status) => {
        if (url.startsWith('/login')) return writeHead.call(response, status, { 'Set-Cookie': 'late=secret' });
        if (url.startsWith('/appended')) response.setHeader('Set-Cookie', 'late=secret');
        return writeHead.call(response, status);
      };
    }
    next();
  });
  if (platform !== 'fastify') return;
  const fastify = app.getHttpAdapter().getInstance() as {
    addHook(name: 'onSend', hook: (request: unknown, reply: Settable, payload: unknown) => Promise<unknown>): void;
  };
  fastify.addHook('onSend', async (_request, reply, payload) => {
    reply.header('Set-Cookie', 'late=secret');
    return Promise.resolve(payload);
  });
}

describe.each(PLATFORMS)('refusals of @Idempotent on %s', (platform) => {
  let app: TestApp;

  beforeEach(async () => {
    calls = [];
    desk = new Desk();
    app = await TestApp.start(platform, { controllers: [Sessions] }, (made) => {
      addPlugins(made, platform);
    });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await app.close();
  });

  const post = async (path: string, headers: Record<string, string> = { 'Idempotency-Key': 'k' }) =>
    app.get(path, { method: 'POST', headers, signal: AbortSignal.timeout(30_000) });

  const expectBare = ({ headers }: { headers: Headers }): void => {
    for (const name of ['x-handler', 'cache-control', 'content-encoding', 'idempotent-replayed']) {
      expect([name, headers.get(name)]).toEqual([name, null]);
    }
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  };

  const storeNothing = (): void => {
    const records = app.app.get(RecordService);
    const write = records.write.bind(records);
    jest.spyOn(records, 'write').mockImplementation(async (name, value, options) => {
      if ((value as { state?: string }).state === 'done') throw new LockBackendError([], 'the store is down');
      return write(name, value, options);
    });
  };

  it('a refusal in place of an answer keeps the cookies from before the handler, and no other', async () => {
    storeNothing();
    const refused = await post('/appended');
    expect([refused.status, refused.headers.getSetCookie()]).toEqual([503, ['early=1', 'early=2']]);
  });

  it('a refusal in place of an answer has no cookie and no header of the handler', async () => {
    storeNothing();
    const refused = await post('/login');
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([503, { code: 'IDEMPOTENCY_NOT_STORED' }]);
    expect(refused.headers.get('set-cookie')).toBeNull();
    expectBare(refused);
    jest.restoreAllMocks();
    const answered = await post('/login');
    expect([answered.status, answered.text]).toEqual([201, '{"call":2}']);
    expect(answered.headers.get('x-handler')).toBe('secret');
    expect(answered.headers.get('set-cookie')).toContain(platform === 'fastify' ? 'session=secret' : 'late=secret');
  });

  it('a refusal before the handler has no header of it, and those of middleware', async () => {
    const refused = await post('/login', {});
    expect(refused.status).toBe(400);
    expectBare(refused);
    // No handler has run, so this one is another's.
    expect(refused.headers.get('set-cookie')).toBe('late=secret');
    const other = await post('/inner', {});
    expect([other.status, other.headers.get('x-middleware')]).toEqual([400, 'kept']);
  });

  it('a repetition gets what an interceptor inside has answered in place of the handler, once that has ended', async () => {
    tooLate = 202;
    const first = post('/inner');
    await until(() => calls.length === 1);
    Limiting.over.next(undefined);
    expect(await first).toMatchObject({ status: 202, text: '{"state":"pending"}' });
    expect((await post('/inner')).status).toBe(409);
    desk.gate('inner').resolve();
    await until(async () => (await post('/inner')).status !== 409);
    const second = await post('/inner');
    expect(second).toMatchObject({ status: 202, text: '{"state":"pending"}' });
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(calls).toEqual(['inner']);
  });

  it('a handler that calls another one counts until its own end', async () => {
    tooLate = 202;
    const first = post('/nested');
    await until(() => desk.has('nested starts'));
    Limiting.over.next(undefined);
    expect((await first).status).toBe(202);
    expect((await post('/nested')).status).toBe(409);
    desk.gate('nested').resolve();
    await until(async () => (await post('/nested')).status === 202);
    expect(calls).toEqual(['nested']);
  });

  it.each([
    [402, 402],
    [503, 409],
  ])(
    'of an inner time limit that an outer interceptor answers with %i, a repetition gets %i',
    async (status, repeated) => {
      tooLate = status;
      const first = post('/inner-declined');
      await until(() => calls.length === 1);
      Limiting.over.next(undefined);
      expect((await first).status).toBe(status);
      desk.gate('inner').resolve();
      await until(async () => !(await post('/inner-declined')).text.includes('IN_PROGRESS'));
      const second = await post('/inner-declined');
      expect(second.status).toBe(repeated);
      if (repeated === 409) expect(second.text).toContain('IDEMPOTENCY_NOT_REPLAYABLE');
      expect(calls).toEqual(['inner']);
    },
  );

  it('what an outer interceptor has answered in place of the handler is not repeated, but the answer of the handler', async () => {
    tooLate = 202;
    const first = post('/outer');
    await until(() => calls.length === 1);
    Limiting.over.next(undefined);
    expect(await first).toMatchObject({ status: 202, text: '{"state":"pending"}' });
    desk.gate('outer').resolve();
    await until(async () => (await post('/outer')).status === 201);
    expect((await post('/outer')).text).toBe('{"done":"outer"}');
    expect(calls).toEqual(['outer']);
  });
});

it('a class is refused at decoration, with what to do', () => {
  for (const decorate of [Idempotent(), Idempotent('k')] as unknown as ((target: object) => void)[]) {
    const error = thrown(() => {
      decorate(Sessions);
    });
    expect(isLockConfigurationError(error) && error.message).toMatch(
      /^@Idempotent on the class Sessions: .* Put @Idempotent\(\) on each method/,
    );
  }
});
