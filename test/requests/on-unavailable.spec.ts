import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, HttpException, Sse, type ExecutionContext, type MessageEvent } from '@nestjs/common';
import { of, type Observable } from 'rxjs';
import { LockRequest, LockTimeoutError } from '../../lib/index.js';
import { PLATFORMS, TestApp } from './support.js';

let ran = 0;
const handler = (): string => {
  ran++;
  return 'handled';
};
const timeout = 0;

@Controller()
class BusyController {
  @Get('throw')
  @LockRequest('busy', { timeout })
  throw() {
    return handler();
  }

  @Get('skip')
  @LockRequest('busy', { timeout, onUnavailable: 'skip' })
  skip(): string | undefined {
    return handler();
  }

  @Sse('skip-sse')
  @LockRequest('busy', { timeout, onUnavailable: 'skip' })
  skipSse(): Observable<MessageEvent> {
    return of({ data: handler() });
  }

  @Get('value')
  @LockRequest('busy', {
    timeout,
    onUnavailable: (error: LockTimeoutError, context: ExecutionContext) => ({
      code: error.code,
      handler: context.getHandler().name,
      url: context.switchToHttp().getRequest<{ url: string }>().url,
    }),
  })
  value(): unknown {
    return handler();
  }

  @Get('promise')
  @LockRequest('busy', { timeout, onUnavailable: async () => Promise.resolve('later') })
  promise() {
    return handler();
  }

  @Get('observable')
  @LockRequest('busy', { timeout, onUnavailable: () => of('later') })
  observable() {
    return handler();
  }

  @Get('failing')
  @LockRequest('busy', {
    timeout,
    onUnavailable: () => {
      throw new HttpException('Locked', 423);
    },
  })
  failing() {
    return handler();
  }

  @Get('own')
  @LockRequest('free', { timeout, onUnavailable: 'skip' })
  own() {
    throw new LockTimeoutError(['other'], 0, 'thrown by the handler');
  }
}

describe.each(PLATFORMS)('a lock that is not granted (%s)', (platform) => {
  let test: TestApp;
  beforeAll(async () => {
    test = await TestApp.start(platform, { controllers: [BusyController] });
    await test.locking.acquire('busy');
  });
  afterAll(async () => {
    expect(ran).toBe(0);
    await test.close();
  });

  it.each([
    ['/throw', 500, expect.stringContaining('Internal server error')],
    ['/skip', 200, ''],
    ['/value', 200, '{"code":"LOCK_TIMEOUT","handler":"value","url":"/value"}'],
    ['/promise', 200, 'later'],
    ['/observable', 200, 'later'],
    ['/failing', 423, expect.stringContaining('Locked')],
  ])('%s', async (path, status, text) => {
    expect(await test.get(path)).toMatchObject({ status, text });
  });

  it('with skip, server-sent events end without an event', async () => {
    const { status, text } = await test.get('/skip-sse');
    expect([status, text.trim()]).toEqual([200, '']);
  });

  it('an error of the handler does not count as a busy lock', async () => {
    expect((await test.get('/own')).status).toBe(500);
    expect(test.log.lines.at(-1)).toContain('thrown by the handler');
  });
});
