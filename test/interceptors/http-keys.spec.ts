import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
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

  it.each([
    ['/query', 'query.sku is undefined'],
    ['/headers', 'headers.X-Tenant is undefined'],
    ['/built-in', 'headers.constructor is undefined'],
    ['/empty', 'No key was given'],
    [
      '/message',
      '@LockRequest on KeysController.message: an HTTP request has no "data". There are: params, query, body, headers, user.',
    ],
  ])('a missing one fails before the handler: %s', async (path, message) => {
    expect((await test.get(path)).status).toBe(500);
    expect(ran).toBe(0);
    expect(test.log.lines).toEqual([expect.stringContaining(message)]);
    expect(test.log.lines[0]).toMatch(/^error: LockKeyError/);
  });
});
