import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Body,
  Catch,
  Controller,
  HttpException,
  Injectable,
  Post,
  Req,
  Res,
  UseFilters,
  UseInterceptors,
  Version,
  VERSION_NEUTRAL,
  VersioningType,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { catchError, delay, of, throwError, timeout, type Observable } from 'rxjs';
import { Idempotent, LockRequest, LockTimeoutError, WithLock } from '../../../lib/index.js';
import { PLATFORMS, TestApp } from '../../requests/support.js';

let calls: string[] = [];

interface Settable {
  status(code: number): unknown;
}

/** Answers in pieces, as a filter may that shows a page. */
@Catch()
class InPieces implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost): void {
    const raw = host.getArgByIndex<RawResponse>(1);
    raw.statusCode = 503;
    raw.write('try ');
    raw.end('later');
  }
}

interface RawResponse {
  statusCode: number;
  write(text: string): void;
  end(text: string): void;
}

/** Tells clients of a busy lock with a status of its own. */
@Catch(LockTimeoutError)
class Busy implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost): void {
    host.getArgByIndex<{ status(code: number): { send(body: unknown): void } }>(1).status(418).send({ busy: true });
  }
}

@Injectable()
class GivesUp implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      timeout(30),
      catchError(() => throwError(() => new HttpException('late', 400))),
    );
  }
}

interface WithUser {
  user?: { id: string };
  /** Under Fastify: the request that middleware gets. */
  readonly raw?: WithUser;
}

/** Sets the user as middleware does. */
function authenticate(
  request: WithUser & { readonly headers: Record<string, string> },
  _response: unknown,
  next: () => void,
): void {
  const id = request.headers['x-user'];
  if (id !== undefined) request.user = { id };
  next();
}

const UNWRITABLE = {
  bigint: () => ({ amount: 10n }),
  circular: () => {
    const receipt: Record<string, unknown> = { id: 1 };
    receipt.self = [receipt];
    return receipt;
  },
  deep: () => {
    let receipt: object = {};
    for (let depth = 0; depth < 50_000; depth += 1) receipt = { receipt };
    return receipt;
  },
  getter: () => ({
    get id(): never {
      throw new Error('no id');
    },
  }),
};

@Controller()
class Answers {
  @Post('by-status')
  @Idempotent()
  byStatus(@Body() { status }: { status: number }, @Res({ passthrough: true }) response: Settable): object {
    calls.push('by-status');
    response.status(status);
    return { call: calls.length };
  }

  @Post('unwritable')
  @Idempotent()
  unwritable(@Body() { kind }: { kind: keyof typeof UNWRITABLE }): object {
    calls.push('unwritable');
    return UNWRITABLE[kind]();
  }

  @Post('whoami')
  @Idempotent()
  whoami(@Req() request: WithUser): object {
    calls.push('whoami');
    return { user: (request.raw ?? request).user?.id };
  }

  @Post('value')
  @Idempotent()
  value(@Body() { value }: { value: unknown }): unknown {
    calls.push('value');
    return value;
  }

  @Post('in-pieces')
  @Idempotent()
  @UseFilters(InPieces)
  inPieces(): never {
    calls.push('in-pieces');
    throw new Error('down');
  }

  @Post('observable')
  @UseInterceptors(GivesUp)
  @Idempotent()
  observable(): Observable<string> {
    calls.push('observable');
    return of('done').pipe(delay(200));
  }

  @Post('locked')
  @Idempotent()
  @UseFilters(Busy)
  @WithLock('desk', { timeout: 0 })
  async locked(): Promise<object> {
    calls.push('locked');
    return Promise.resolve({ call: calls.length });
  }

  @Post('locked-by-user')
  @LockRequest('user:<user.id>')
  lockedByUser(@Req() request: WithUser): string {
    return (request.raw ?? request).user?.id ?? 'nobody';
  }

  @Post('versioned')
  @Version('1')
  @Idempotent()
  first(): string {
    return 'first';
  }

  @Post('versioned')
  @Version('2')
  @Idempotent()
  second(): string {
    return 'second';
  }
}

/** Fastify leaves out of an answer what its schema does not have. */
@Controller()
class WithSchema {
  @Post('schema')
  @Idempotent()
  schema(): object {
    return { id: 1, passwordHash: 'secret' };
  }
}

function addSchema(app: INestApplication): void {
  const fastify = app.getHttpAdapter().getInstance() as {
    addHook(name: 'onRoute', hook: (route: { url: string; schema?: unknown }) => void): void;
  };
  fastify.addHook('onRoute', (route) => {
    if (route.url !== '/schema') return;
    route.schema = { response: { 201: { type: 'object', properties: { id: { type: 'number' } } } } };
  });
}

/** Puts what a route returns into an envelope. */
function addEnvelope(app: INestApplication): void {
  const fastify = app.getHttpAdapter().getInstance() as {
    addHook(
      name: 'preSerialization',
      hook: (request: { url: string }, reply: unknown, payload: unknown) => Promise<unknown>,
    ): void;
  };
  fastify.addHook('preSerialization', async ({ url }, _reply, payload) =>
    Promise.resolve(['/whoami', '/value'].includes(url) ? { data: payload } : payload),
  );
}

describe.each(PLATFORMS)('answers of @Idempotent on %s', (platform) => {
  let app: TestApp;

  beforeEach(async () => {
    calls = [];
    const controllers = [Answers, ...(platform === 'fastify' ? [WithSchema] : [])];
    app = await TestApp.start(platform, { controllers }, (made) => {
      made.use(authenticate);
      made.enableVersioning({ type: VersioningType.HEADER, header: 'x-version', defaultVersion: VERSION_NEUTRAL });
      if (platform === 'fastify') {
        addSchema(made);
        addEnvelope(made);
      }
    });
  });

  afterEach(async () => {
    await app.close();
  });

  const post = async (path: string, body: object = {}, headers: Record<string, string> = {}) => {
    const { status, text } = await app.get(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'k', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    return [status, text];
  };

  it.each([503, 409, 429])('an answer whose status %i the handler has set is not stored', async (status) => {
    expect(await post('/by-status', { status })).toEqual([status, '{"call":1}']);
    expect(await post('/by-status', { status })).toEqual([status, '{"call":2}']);
  });

  it('a status below that the handler has set is repeated', async () => {
    expect(await post('/by-status', { status: 404 })).toEqual([404, '{"call":1}']);
    expect(await post('/by-status', { status: 404 })).toEqual([404, '{"call":1}']);
  });

  it('the key of a locked request names the user that middleware has set', async () => {
    expect(await post('/locked-by-user', {}, { 'x-user': 'ann' })).toEqual([201, 'ann']);
  });

  it.each(Object.keys(UNWRITABLE).filter((kind) => kind !== 'deep'))(
    'a result that cannot be written (%s) is answered with 500, and its handler does not run again',
    async (kind) => {
      expect((await post('/unwritable', { kind }))[0]).toBe(500);
      expect((await post('/unwritable', { kind }))[0]).toBe(409);
      expect(calls).toEqual(['unwritable']);
    },
  );

  it('a result that is nested deeply runs its handler once, whether this version of Node can write it or not', async () => {
    expect([201, 500]).toContain((await post('/unwritable', { kind: 'deep' }))[0]);
    expect((await post('/unwritable', { kind: 'deep' }))[0]).toBe(409);
    expect(calls).toEqual(['unwritable']);
  });

  it('users that middleware has set are kept apart; hooks of Fastify see repetitions as they see answers', async () => {
    const named = (user: string) => (platform === 'fastify' ? `{"data":{"user":"${user}"}}` : `{"user":"${user}"}`);
    for (const user of ['ann', 'bob', 'ann']) {
      expect(await post('/whoami', {}, { 'x-user': user })).toEqual([201, named(user)]);
    }
    expect(calls).toEqual(['whoami', 'whoami']);
  });

  // Express has no such hooks: its client gets the same text, and none for null.
  it.each([42, 0, true, false, null, [1], {}])(
    'hooks of Fastify see %j in a repetition as in the answer',
    async (value) => {
      const ofExpress = value === null ? '' : JSON.stringify(value);
      const text = platform === 'fastify' ? JSON.stringify({ data: value }) : ofExpress;
      for (let time = 0; time < 2; time += 1) expect(await post('/value', { value })).toEqual([201, text]);
      expect(calls).toEqual(['value']);
    },
  );

  it('a handler whose Observable an interceptor has ended half-way is not run again, and what that answered is repeated', async () => {
    expect((await post('/observable'))[0]).toBe(400);
    expect((await post('/observable'))[0]).toBe(400);
    expect(calls).toEqual(['observable']);
  });

  it('what a lock inside has refused is run again, however that was answered', async () => {
    const lock = await app.locking.acquire('desk');
    expect(await post('/locked')).toEqual([418, '{"busy":true}']);
    await lock.release();
    expect(await post('/locked')).toEqual([201, '{"call":1}']);
  });

  it('each version of a handler has keys of its own', async () => {
    expect(await post('/versioned', {}, { 'x-version': '1' })).toEqual([201, 'first']);
    expect(await post('/versioned', {}, { 'x-version': '2' })).toEqual([201, 'second']);
  });

  if (platform === 'express') {
    it('a failure that a filter answers in pieces is run again', async () => {
      expect(await post('/in-pieces')).toEqual([503, 'try later']);
      expect(await post('/in-pieces')).toEqual([503, 'try later']);
      expect(calls).toEqual(['in-pieces', 'in-pieces']);
    });
  }

  if (platform === 'fastify') {
    it('a repetition has no field that the schema of the answer leaves out', async () => {
      expect(await post('/schema')).toEqual([201, '{"id":1}']);
      expect(await post('/schema')).toEqual([201, '{"id":1}']);
    });
  }
});
