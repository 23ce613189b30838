import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Header,
  Res,
  Sse,
  StreamableFile,
  type CallHandler,
  type ExecutionContext,
  type MessageEvent,
  type NestInterceptor,
} from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { concatMap, Subject, type Observable } from 'rxjs';
import { LockRequest } from '../../lib/index.js';
import { PLATFORMS, TestApp, until } from './support.js';

let body: PassThrough;
let held: (() => void)[];
let events: Subject<MessageEvent>;

/** Sends an answer only when the test says so, like an interceptor that commits a transaction. */
const holding: NestInterceptor = {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (!headers['x-held']) return next.handle();
    return next.handle().pipe(
      concatMap(async (value: unknown) => {
        await new Promise<void>((resolve) => held.push(resolve));
        return value;
      }),
    );
  },
};

@Controller()
class ReportsController {
  @Get('file')
  @Header('Content-Type', 'text/csv')
  @LockRequest('report')
  file(): StreamableFile {
    return new StreamableFile(body);
  }

  @Get('res')
  @LockRequest('report')
  res(@Res() response: ServerResponse | { raw: ServerResponse }): void {
    body.pipe('raw' in response ? response.raw : response);
  }

  @Sse('sse')
  @LockRequest('report')
  sse(): Observable<MessageEvent> {
    return events;
  }

  @Get('plain')
  @LockRequest('report')
  plain(): string {
    return 'plain';
  }
}

describe.each(PLATFORMS)('the end of the response (%s)', (platform) => {
  let test: TestApp;
  beforeEach(async () => {
    body = new PassThrough();
    held = [];
    events = new Subject();
    test = await TestApp.start(platform, { controllers: [ReportsController] }, (app) =>
      app.useGlobalInterceptors(holding),
    );
  });
  afterEach(async () => test.close());

  it.each(['file', 'res'])('the lock is held until a stream has ended (%s)', async (route) => {
    body.write('head,');
    const response = await fetch(`${test.url}/${route}`);
    const next = test.get('/plain');
    await test.untilWaiting('report');
    body.write('line,');
    expect(await test.waiters('report')).toBe(1);
    body.end('end');
    expect(await response.text()).toBe('head,line,end');
    expect((await next).text).toBe('plain');
    await test.untilFree('report');
  });

  it('the lock is held until server-sent events have ended', async () => {
    const response = await fetch(`${test.url}/sse`);
    const next = test.get('/plain');
    await test.untilWaiting('report');
    events.next({ data: 'one' });
    expect(await test.waiters('report')).toBe(1);
    events.complete();
    expect(await response.text()).toContain('data: one');
    expect((await next).text).toBe('plain');
  });

  it.each(['file', 'sse'])('the lock is released when the client leaves in the middle (%s)', async (route) => {
    body.write('head');
    const client = new AbortController();
    await fetch(`${test.url}/${route}`, { signal: client.signal });
    expect(await test.isHeld('report')).toBe(true);
    client.abort();
    await test.untilFree('report');
    await until(() => route === 'sse' || body.destroyed);
    expect(events.observed).toBe(false);
    expect(test.log.lines).toEqual([]);
  });

  it.each(['file', 'plain', 'sse'])('the lock is released at once for HEAD (%s)', async (route) => {
    body.write('head');
    expect((await test.get(`/${route}`, { method: 'HEAD' })).status).toBe(200);
    await test.untilFree('report');
  });

  it.each(['file', 'res'])('a stream is cut short when the lock is lost (%s)', async (route) => {
    body.write('head,');
    const response = await fetch(`${test.url}/${route}`);
    const reader = response.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('head,');
    await test.locking.forceRelease('report');
    await expect(reader.read()).rejects.toThrow('terminated');
    await until(() => route === 'res' || body.destroyed);
    expect((await test.get('/plain')).text).toBe('plain');
    expect(test.log.lines.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringMatching(/^warn: The lock of a request to ReportsController.\w+ was lost before .* ended: "report"/),
    ]);
  });

  it('a stream is cut short when the lock is lost before an outer interceptor has passed it on', async () => {
    const answer = test.get('/file', { headers: { 'x-held': 'yes' } });
    await until(() => held.length === 1);
    await test.locking.forceRelease('report');
    await until(() => body.destroyed);
    held[0]!();
    await expect(answer).rejects.toThrow('fetch failed');
  });

  it('a complete answer is sent although the lock is lost', async () => {
    const answer = test.get('/plain', { headers: { 'x-held': 'yes' } });
    await until(() => held.length === 1);
    await test.locking.forceRelease('report');
    await until(() => test.log.lines.length > 0);
    held[0]!();
    expect((await answer).text).toBe('plain');
  });

  it('server-sent events are cut short when the lock is lost', async () => {
    const response = await fetch(`${test.url}/sse`);
    events.next({ data: 'one' });
    await until(() => events.observed);
    await test.locking.forceRelease('report');
    expect(await response.text()).toContain('event: error');
    expect(events.observed).toBe(false);
    expect((await test.get('/plain')).text).toBe('plain');
  });
});
