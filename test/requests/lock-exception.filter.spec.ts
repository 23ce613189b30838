import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { Controller, Get, Header, Res, UseFilters, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import {
  CircuitOpenError,
  IdempotencyError,
  LockBackendError,
  LockConfigurationError,
  LockExceptionFilter,
  LockKeyError,
  LockLostError,
  LockRequest,
  LockTimeoutError,
} from '../../lib/index.js';
import { PLATFORMS, TestApp } from './support.js';

const KEYS = ['secret:7'];
const store = new LockBackendError(KEYS, 'secret store is down', { cause: new Error('10.0.0.7') });

/** An error of the CommonJS copy of the package: no instance of the classes of this copy. */
function foreign(): Error {
  const error = new Error('secret');
  Object.assign(error, { name: 'LockTimeoutError', code: 'LOCK_TIMEOUT', keys: KEYS, timeout: 2001 });
  return Object.defineProperty(error, Symbol.for('nestjs-locking.error'), { value: true });
}

const ERRORS: Readonly<Record<string, Error>> = {
  timeout: new LockTimeoutError(KEYS, 4200, 'secret'),
  'timeout-0': new LockTimeoutError(KEYS, 0, 'secret'),
  foreign: foreign(),
  hour: new LockTimeoutError(KEYS, 3_600_000, 'secret'),
  full: new LockTimeoutError(KEYS, 3_600_000, 'secret', 'queue-full'),
  lost: new LockLostError(KEYS, 'secret'),
  'not-run': new LockLostError(KEYS, 'secret', undefined, true),
  shutdown: new LockBackendError(KEYS, 'secret', { reason: 'shutdown' }),
  backend: store,
  circuit: new CircuitOpenError('secret', 'open', 13, 'secret'),
  held: new CircuitOpenError('secret', 'open', Infinity, 'secret'),
  running: new IdempotencyError('secret', 'in-progress', 'secret', { retryAfter: 3 }),
  reused: new IdempotencyError('secret', 'mismatch', 'secret'),
  unstored: new IdempotencyError('secret', 'not-stored', 'secret', { retryAfter: 5, cause: store }),
  key: new LockKeyError('secret'),
  configuration: new LockConfigurationError('secret'),
  other: new Error('secret'),
};

/** Takes the lock from the handler that is running. */
let lose: () => Promise<unknown> = async () => Promise.resolve();

class Controlled {
  @Get('busy')
  @LockRequest('busy', { timeout: 0 })
  busy() {
    return 'handled';
  }

  @Get('session')
  @LockRequest('session')
  async session(@Res({ passthrough: true }) response: { header(name: string, value: string): void }) {
    response.header('Set-Cookie', 'session=secret');
    response.header('X-Handler', 'secret');
    await lose();
    return 'handled';
  }

  @Get('typed')
  @Header('Content-Type', 'text/csv')
  typed() {
    throw ERRORS.timeout!;
  }

  @Get('begun')
  begun(@Res() response: ServerResponse | { raw: ServerResponse }) {
    const raw = 'raw' in response ? response.raw : response;
    raw.write('begun');
    throw ERRORS.lost!;
  }

  @Get('throw/:name')
  throw(@Res({ passthrough: true }) response: { req?: { url: string }; request?: { url: string } }) {
    const url = response.request?.url ?? response.req?.url ?? '';
    throw ERRORS[url.split('/').at(-1)!]!;
  }
}

@Controller()
class Bare extends Controlled {}

@Controller()
@UseFilters(LockExceptionFilter)
class Filtered extends Controlled {}

const BOUND = {
  'useGlobalFilters(new …)': {
    metadata: { controllers: [Bare] },
    configure: (app: TestApp['app']) => app.useGlobalFilters(new LockExceptionFilter()),
  },
  APP_FILTER: {
    metadata: { controllers: [Bare], providers: [{ provide: APP_FILTER, useClass: LockExceptionFilter }] },
    configure: () => undefined,
  },
  '@UseFilters': { metadata: { controllers: [Filtered] }, configure: () => undefined },
};

const busy = { statusCode: 409, message: 'The resource is busy, try again later.', error: 'Conflict' };

describe.each(PLATFORMS)('LockExceptionFilter (%s)', (platform) => {
  describe.each(Object.entries(BOUND))('by %s', (_name, { metadata, configure }) => {
    let test: TestApp;
    beforeEach(() => {
      test.log.lines.length = 0;
    });
    beforeAll(async () => {
      test = await TestApp.start(platform, metadata, configure);
    });
    afterAll(async () => test.close());

    it.each([
      ['timeout', 409, '5', { ...busy, code: 'LOCK_TIMEOUT' }],
      ['timeout-0', 409, '1', { ...busy, code: 'LOCK_TIMEOUT' }],
      ['foreign', 409, '3', { ...busy, code: 'LOCK_TIMEOUT' }],
      ['hour', 409, '60', { ...busy, code: 'LOCK_TIMEOUT' }],
      ['full', 409, '1', { ...busy, code: 'LOCK_TIMEOUT' }],
      ['shutdown', 503, '1', { statusCode: 503, error: 'Service Unavailable', code: 'LOCK_BACKEND' }],
      ['lost', 409, null, { statusCode: 409, error: 'Conflict', code: 'LOCK_LOST' }],
      ['not-run', 409, '1', { ...busy, code: 'LOCK_LOST' }],
      ['backend', 503, '5', { statusCode: 503, error: 'Service Unavailable', code: 'LOCK_BACKEND' }],
      ['circuit', 503, '13', { statusCode: 503, error: 'Service Unavailable', code: 'CIRCUIT_OPEN' }],
      ['held', 503, '60', { statusCode: 503, code: 'CIRCUIT_OPEN' }],
      ['running', 409, '3', { statusCode: 409, error: 'Conflict', code: 'IDEMPOTENCY' }],
      ['reused', 422, null, { statusCode: 422, error: 'Unprocessable Entity', code: 'IDEMPOTENCY' }],
      ['unstored', 503, '5', { statusCode: 503, error: 'Service Unavailable', code: 'IDEMPOTENCY' }],
      ['key', 500, null, { statusCode: 500, message: 'Internal server error' }],
      ['configuration', 500, null, { statusCode: 500, message: 'Internal server error' }],
      ['other', 500, null, { statusCode: 500, message: 'Internal server error' }],
    ])('the filter answers %s with %i', async (error, status, retryAfter, body) => {
      const answer = await test.get(`/throw/${error}`);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfter]);
      expect(JSON.parse(answer.text)).toMatchObject(body);
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(answer.text).not.toMatch(/secret|10\.0\.0\.7/);
      // details that the client does not get must be logged
      const expected =
        ['shutdown', 'circuit', 'held', 'reused'].includes(error) ||
        (status === 409 && retryAfter && error !== 'not-run');
      expect(test.log.lines).toHaveLength(expected ? 0 : 1);
    });

    it('the filter answers a held lock with 409', async () => {
      await test.locking.acquire('busy');
      const { status, text, headers } = await test.get('/busy');
      expect([status, headers.get('retry-after')]).toEqual([409, '1']);
      expect(JSON.parse(text)).toEqual({ ...busy, code: 'LOCK_TIMEOUT' });
    });

    it('the filter answers in JSON, whatever content type the handler has set', async () => {
      const { text, headers } = await test.get('/typed');
      expect(headers.get('content-type')).toMatch(/^application\/json/);
      expect(JSON.parse(text)).toEqual({ ...busy, code: 'LOCK_TIMEOUT' });
    });

    it('the filter leaves no cookie and no header that the handler has set', async () => {
      lose = async () => test.locking.forceRelease('session');
      const { status, headers } = await test.get('/session');
      expect([status, headers.get('set-cookie'), headers.get('x-handler')]).toEqual([409, null, null]);
      expect(headers.get('content-type')).toMatch(/^application\/json/);
    });

    it('the filter ends a response that has begun', async () => {
      expect(await test.get('/begun')).toMatchObject({ status: 200, text: 'begun' });
      expect(test.log.lines).toEqual(['error: LockLostError: secret']);
    });
  });

  it('the filter logs an outage in one line, without a stack, however many requests fail', async () => {
    const test = await TestApp.start(platform, { controllers: [Bare] }, (app) =>
      app.useGlobalFilters(new LockExceptionFilter()),
    );
    const answers = await Promise.all(Array.from({ length: 30 }, async () => test.get('/throw/backend')));
    expect(answers.every(({ status }) => status === 503)).toBe(true);
    expect(test.log.lines).toEqual(['error: LockBackendError: secret store is down']);
    await test.close();
  });

  it('the filter answers errors of middleware', async () => {
    class WithMiddleware implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer
          .apply((_request: unknown, _response: unknown, next: (error?: unknown) => void) => next(ERRORS.timeout))
          .forRoutes('*path');
      }
    }
    const test = await TestApp.start(platform, { imports: [WithMiddleware], controllers: [Bare] }, (app) =>
      app.useGlobalFilters(new LockExceptionFilter()),
    );
    const { status, text, headers } = await test.get('/busy');
    expect([status, headers.get('retry-after')]).toEqual([409, '5']);
    expect(JSON.parse(text)).toEqual({ ...busy, code: 'LOCK_TIMEOUT' });
    await test.close();
  });
});
