import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  ForbiddenException,
  Get,
  Inject,
  Post,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { LockingService, LockRequest, type LockRequestContext } from '../../lib/index.js';
import { PLATFORMS, TestApp } from './support.js';

let ran = 0;

class Authenticated implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    context.switchToHttp().getRequest<{ user: unknown }>().user = { id: 5 };
    return true;
  }
}

@Controller()
@UseGuards(Authenticated)
class KeysController {
  constructor(@Inject(LockingService) private readonly locking: LockingService) {}

  keys(): readonly string[] | undefined {
    ran++;
    return this.locking.current()?.keys;
  }

  @Get('params/:id')
  @LockRequest('<params.id>')
  params() {
    return this.keys();
  }

  @Get('query')
  @LockRequest('q:<query.sku>')
  query() {
    return this.keys();
  }

  @Get('headers')
  @LockRequest('tenant:<headers.X-Tenant>')
  headers() {
    return this.keys();
  }

  @Get('user')
  @LockRequest('user:<user.id>')
  user() {
    return this.keys();
  }

  @Get('tenant')
  @LockRequest('tenant:<user.tenant>')
  tenant() {
    return this.keys();
  }

  @Get('function/:id')
  @LockRequest(
    ({ params, headers, executionContext }: LockRequestContext<{ params: { id: string } }>) => [
      `${executionContext.getHandler().name}:${params.id}`,
      `tenant:${String(headers['X-Tenant'])}`,
    ],
    { expire: '5s' },
  )
  function() {
    return this.keys();
  }

  @Get('empty')
  @LockRequest(() => [])
  empty() {
    return this.keys();
  }

  @Post('body')
  @LockRequest('order:<body.order.id>')
  body() {
    return this.keys();
  }

  @Post('body-function')
  @LockRequest(({ body }: LockRequestContext<{ body: { order: { id: string } } }>) => `order:${body.order.id.trim()}`)
  bodyFunction() {
    return this.keys();
  }

  @Post('lines')
  @LockRequest('sku:<body.lines[].sku>')
  lines() {
    return this.keys();
  }

  @Post('forbidden')
  @LockRequest(({ body }: LockRequestContext<{ body: { id?: string } }>) => {
    throw new ForbiddenException(`not ${body.id ?? ''}`);
  })
  forbidden() {
    return this.keys();
  }

  @Get('message')
  @LockRequest('order:<data.id>')
  message() {
    return this.keys();
  }

  @Get('built-in')
  @LockRequest('tenant:<headers.constructor>')
  builtIn() {
    return this.keys();
  }
}

describe.each(PLATFORMS)('the keys of an HTTP request (%s)', (platform) => {
  let test: TestApp;
  beforeEach(() => {
    ran = 0;
    test.log.lines.length = 0;
  });
  beforeAll(async () => {
    test = await TestApp.start(platform, { controllers: [KeysController] });
  });
  afterAll(async () => test.close());

  it.each([
    ['/params/7', ['7']],
    ['/params/a%20b', ['a%20b']],
    ['/query?sku=x', ['q:x']],
    ['/headers', ['tenant:acme']],
    ['/user', ['user:5']],
    ['/function/7', ['function:7', 'tenant:acme']],
  ])('%s', async (path, keys) => {
    const { status, text } = await test.get(path, { headers: { 'x-TENANT': 'acme' } });
    expect([status, JSON.parse(text)]).toEqual([200, keys]);
  });

  const post = async (path: string, body: unknown): Promise<Response & { text: string }> =>
    test.get(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }) as never;

  it.each([
    ['/query', 'query.sku is undefined', undefined, 'query.sku'],
    ['/query?sku=a&sku=b', 'query.sku is an array', undefined, 'query.sku'],
    ['/headers', 'headers.X-Tenant is undefined', undefined, 'headers.X-Tenant'],
    ['/built-in', 'headers.constructor is undefined', undefined, 'headers.constructor'],
    ['/tenant', 'user.tenant is undefined', undefined, 'a value that it needs'],
    ['/body', 'body.order is undefined', {}, 'body.order'],
    ['/body', 'body.order.id is null', { order: { id: null } }, 'body.order.id'],
    ['/body', 'body.order.id is an object', { order: { id: {} } }, 'body.order.id'],
    ['/body', 'a key has at most', { order: { id: 'x'.repeat(70_000) } }, 'body.order.id'],
    ['/body-function', 'TypeError: Cannot read properties of undefined', {}, 'a value that it needs'],
    ['/body-function', 'is not a function', { order: { id: 7 } }, 'a value that it needs'],
    ['/body-function', 'surrogate', { order: { id: '\ud800' } }, 'a value that it needs'],
    ['/lines', 'has no elements', { lines: [] }, 'body.lines'],
    ['/lines', 'which is an object', { lines: {} }, 'body.lines'],
    ['/lines', 'body.lines[1].sku is undefined', { lines: [{ sku: 'a' }, {}] }, 'body.lines[1].sku'],
  ])(
    'a client that sends what makes no key learns which value it is, and the route is logged: %s (%s)',
    async (path, problem, body, value) => {
      const answer = body === undefined ? await test.get(path) : await post(path, body);
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text)).toEqual({
        statusCode: 400,
        message: `The request cannot be processed: ${value} is missing or cannot be used.`,
        error: 'Bad Request',
        code: 'LOCK_KEY',
      });
      expect(ran).toBe(0);
      expect(test.log.lines).toEqual([expect.stringMatching(/^warn: A request to KeysController\.\w+ was refused/)]);
      expect(test.log.lines[0]).toContain(problem);
    },
  );

  it('an HTTP error that a key function throws is passed on', async () => {
    expect((await post('/forbidden', { id: 'x' })).status).toBe(403);
    expect(test.log.lines).toEqual([]);
  });

  it.each([
    ['/empty', 'No key was given'],
    [
      '/message',
      '@LockRequest on KeysController.message: an HTTP request has no "data". There are: params, query, body, headers, user.',
    ],
  ])('a wrong key fails before the handler, as an error of the program: %s', async (path, message) => {
    expect((await test.get(path)).status).toBe(500);
    expect(ran).toBe(0);
    expect(test.log.lines).toEqual([expect.stringContaining(message)]);
    expect(test.log.lines[0]).toMatch(/^error: LockKeyError/);
  });
});
