import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Post, UseInterceptors, type INestApplication } from '@nestjs/common';
import { AnyFilesInterceptor, FileInterceptor } from '@nestjs/platform-express';
import { Idempotent } from '../../../lib/index.js';
import { PLATFORMS, TestApp } from '../../requests/support.js';

let calls = 0;

@Controller()
class Uploads {
  // The interceptor of the lower decorator is the outer one.
  @Post('outside')
  @Idempotent()
  @UseInterceptors(FileInterceptor('file'))
  outside(): object {
    return { call: (calls += 1) };
  }

  @Post('several')
  @Idempotent()
  @UseInterceptors(AnyFilesInterceptor())
  several(): object {
    return { call: (calls += 1) };
  }

  @Post('inside')
  @UseInterceptors(FileInterceptor('file'))
  @Idempotent()
  inside(): object {
    return { call: (calls += 1) };
  }

  @Post('on-disk')
  @Idempotent()
  @UseInterceptors(FileInterceptor('file', { dest: tmpdir() }))
  onDisk(): object {
    return { call: (calls += 1) };
  }
}

@Controller()
class Bodies {
  @Post('any')
  @Idempotent()
  any(@Body() body: unknown): object {
    calls += 1;
    return { call: calls, type: typeof body };
  }

  @Post('named')
  @Idempotent({ fingerprint: ({ headers }) => headers.Digest })
  named(): object {
    return { call: (calls += 1) };
  }
}

/** As @fastify/multipart does: leaves the body to the handler, or makes objects of it that refer to one another. */
function addParsers(app: INestApplication): void {
  const fastify = app.getHttpAdapter().getInstance() as {
    addContentTypeParser(
      type: string,
      parser: (request: unknown, payload: { resume(): void }, done: (error: null, body?: unknown) => void) => void,
    ): void;
  };
  fastify.addContentTypeParser('multipart/form-data', (_request, _payload, done) => {
    done(null);
  });
  fastify.addContentTypeParser('multipart/mixed', (_request, payload, done) => {
    payload.resume();
    const body: Record<string, unknown> = {};
    body.field = { value: 'x', fields: body };
    done(null, body);
  });
}

function form(fields: Record<string, string>, file?: string | Buffer, name = 'a.txt'): FormData {
  const made = new FormData();
  for (const [field, value] of Object.entries(fields)) made.append(field, value);
  if (file !== undefined) made.append('file', new Blob([file], { type: 'text/plain' }), name);
  return made;
}

describe.each(PLATFORMS)('bodies of @Idempotent on %s', (platform) => {
  let app: TestApp;

  beforeEach(async () => {
    calls = 0;
    const controllers = platform === 'express' ? [Uploads, Bodies] : [Bodies];
    app = await TestApp.start(platform, { controllers }, (made) => {
      if (platform === 'fastify') addParsers(made);
    });
  });

  afterEach(async () => {
    await app.close();
  });

  const post = async (path: string, body: FormData | string | Buffer, headers: Record<string, string> = {}) => {
    const init = { method: 'POST', headers: { 'Idempotency-Key': 'k', ...headers }, body };
    const { status, text } = await app.get(path, { ...init, signal: AbortSignal.timeout(30_000) });
    return [status, status === 201 ? text : (JSON.parse(text) as { code?: string }).code];
  };

  if (platform === 'express') {
    it.each(['/outside', '/several'])(
      'the same key with other fields or another file is refused with 422: %s',
      async (path) => {
        const bytes = Buffer.from([0, 255, 1]);
        expect(await post(path, form({ a: '1' }, bytes))).toEqual([201, '{"call":1}']);
        expect(await post(path, form({ a: '1' }, bytes))).toEqual([201, '{"call":1}']);
        const others = [
          form({ a: '2' }, bytes),
          form({ a: '1', b: '1' }, bytes),
          form({ a: '1' }, Buffer.from([0, 255, 2])),
          form({ a: '1' }, bytes, 'b.txt'),
          form({ a: '1' }),
        ];
        for (const other of others) expect(await post(path, other)).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
        expect(calls).toBe(1);
      },
    );

    it.each([
      ['/inside', /Uploads\.inside: the body of the request has not been read/],
      ['/on-disk', /Uploads\.onDisk: the request has a file that is not in memory/],
    ])('a request is refused whose file cannot be compared, and the log has the remedy: %s', async (path, remedy) => {
      expect(await post(path, form({ a: '1' }, 'file'))).toEqual([500, undefined]);
      expect(calls).toBe(0);
      expect(app.log.lines.join('\n')).toMatch(remedy);
    });
  } else {
    it('a request is refused whose multipart body cannot be compared, and the log has the remedy', async () => {
      expect(await post('/any', form({ a: '1' }))).toEqual([500, undefined]);
      expect(app.log.lines.join('\n')).toMatch(/Bodies\.any: the body of the request has not been read/);
      expect(await post('/any', 'x', { 'Content-Type': 'multipart/mixed' })).toEqual([500, undefined]);
      expect(app.log.lines.join('\n')).toMatch(/Bodies\.any: what the parser has made of the multipart body/);
      expect(calls).toBe(0);
    });
  }

  it('a body that no parser has read is compared by the fingerprint of the application, or refused', async () => {
    const type = platform === 'express' ? 'text/csv' : 'multipart/form-data';
    const send = async (path: string, digest: string) => post(path, 'a;b', { 'Content-Type': type, Digest: digest });
    expect(await send('/any', 'one')).toEqual([500, undefined]);
    expect(await send('/named', 'one')).toEqual([201, '{"call":1}']);
    expect(await send('/named', 'one')).toEqual([201, '{"call":1}']);
    expect(await send('/named', 'two')).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('what is no JSON, or too large, is refused before anything is stored, and the key stays usable', async () => {
    const json = { 'Content-Type': 'application/json' };
    expect((await post('/any', '{"a":', json))[0]).toBe(400);
    expect((await post('/any', `"${'x'.repeat(3_000_000)}"`, json))[0]).toBe(413);
    const odd = await post('/any', '{"__proto__":{"a":1},"constructor":1}', json);
    expect(odd[0]).toBe(platform === 'express' ? 201 : 400);
    if (odd[0] === 201) expect((await post('/any', '{"constructor":1}', json))[0]).toBe(422);
    else expect((await post('/any', '{"a":1}', json))[0]).toBe(201);
  });

  it('a request without a body has a payload as well', async () => {
    const send = async (path: string) => app.get(path, { method: 'POST', headers: { 'Idempotency-Key': 'k' } });
    expect((await send('/any')).status).toBe(201);
    expect((await send('/any')).text).toContain('"call":1');
    expect((await send('/any?other')).status).toBe(422);
  });
});
