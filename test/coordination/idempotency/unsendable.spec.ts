import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Header, HttpCode, Post, Res } from '@nestjs/common';
import { Idempotent, LockRequest } from '../../../lib/index.js';
import { PLATFORMS, TestApp } from '../../requests/support.js';

let calls: string[] = [];

interface Raw {
  statusCode: number;
  statusMessage: string;
}

interface Response extends Raw {
  readonly raw?: Raw;
  header(name: string, value: string): unknown;
}

/** Answers that Node refuses to send: Fastify finds that out when it sends them. */
@Controller()
class Unsendable {
  @Post('header')
  @Idempotent()
  @LockRequest('unsendable')
  header(@Res({ passthrough: true }) response: Response): string {
    calls.push('header');
    response.header('Content-Disposition', 'attachment; filename="čeština.pdf"');
    return 'done';
  }

  @Post('type')
  @Header('Content-Type', 'text/plain')
  @Idempotent()
  @LockRequest('unsendable')
  type(): object {
    calls.push('type');
    return { call: calls.length };
  }

  @Post('status')
  @Idempotent()
  @LockRequest('unsendable')
  status(@Res({ passthrough: true }) response: Response): string {
    calls.push('status');
    (response.raw ?? response).statusCode = 99_999;
    return 'done';
  }

  @Post('message')
  @Idempotent()
  @LockRequest('unsendable')
  message(@Res({ passthrough: true }) response: Response): string {
    calls.push('message');
    (response.raw ?? response).statusMessage = 'hotovo čau';
    return 'done';
  }

  @Get('modified')
  @Idempotent()
  modified(): object {
    calls.push('modified');
    return { id: 1 };
  }

  @Post('nothing')
  @HttpCode(204)
  @Idempotent()
  nothing(): void {
    calls.push('nothing');
  }
}

describe.each(PLATFORMS)('answers of @Idempotent on %s that cannot be sent', (platform) => {
  let app: TestApp;

  beforeEach(async () => {
    calls = [];
    app = await TestApp.start(platform, { controllers: [Unsendable] });
  });

  afterEach(async () => {
    await app.close();
  });

  const send = async (method: string, path: string, headers: Record<string, string> = {}) =>
    app.get(path, { method, headers: { 'Idempotency-Key': 'k', ...headers }, signal: AbortSignal.timeout(20_000) });

  const kinds = platform === 'fastify' ? ['header', 'message', 'type'] : ['message'];

  it.each(kinds)('a client gets 500, and the lock is free; the handler does not run again: %s', async (kind) => {
    expect((await send('POST', `/${kind}`)).status).toBe(500);
    expect(await app.locking.inspect('unsendable')).toBeNull();
    expect((await send('POST', `/${kind}`)).status).toBeLessThan(501);
    expect(calls).toEqual([kind]);
  });

  it('a status that is none is answered with 500, and its handler runs again', async () => {
    expect((await send('POST', '/status')).status).toBe(500);
    expect(await app.locking.inspect('unsendable')).toBeNull();
    expect((await send('POST', '/status')).status).toBe(500);
    expect(calls).toEqual(['status', 'status']);
  });

  it('what one client has already, another one gets', async () => {
    await send('GET', '/modified', { 'If-None-Match': '*' });
    expect(await send('GET', '/modified')).toMatchObject({ status: 200, text: '{"id":1}' });
    expect(calls).toEqual(['modified']);
  });

  it('an answer without a body is repeated without a length', async () => {
    for (let time = 0; time < 2; time += 1) {
      const { status, headers } = await send('POST', '/nothing');
      expect([status, headers.get('content-length')]).toEqual([204, null]);
    }
    expect(calls).toEqual(['nothing']);
  });
});
