import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Post, Res, UseInterceptors, type INestApplication } from '@nestjs/common';
import { Idempotent } from '../../../lib/index.js';
import { Deferred, Desk, Limiting, PLATFORMS, TestApp, until, type Platform } from '../../requests/support.js';

let desk = new Desk();
let calls = 0;

interface RawResponse {
  statusCode: number;
  readonly headersSent: boolean;
  write(chunk: string): unknown;
  end: (this: unknown, ...args: unknown[]) => unknown;
}

interface Reply extends RawResponse {
  /** Under Fastify. */
  readonly raw?: RawResponse;
  status(code: number): Reply;
  send(body?: unknown): unknown;
}

@Controller()
class ByHand {
  @Post('declined')
  @Idempotent()
  async declined(@Res({ passthrough: true }) reply: Reply): Promise<void> {
    calls += 1;
    await Promise.resolve(reply.status(402).send({ declined: true })).then(() => undefined);
  }

  @Post('accepted')
  @Idempotent()
  accepted(@Res({ passthrough: true }) reply: Reply): void {
    calls += 1;
    reply.status(200).send({ accepted: true });
  }

  @Post('bare')
  @Idempotent()
  bare(@Res({ passthrough: true }) reply: Reply): object {
    calls += 1;
    const raw = reply.raw ?? reply;
    raw.statusCode = 402;
    raw.end();
    return { receipt: calls };
  }

  @Post('in-pieces')
  @Idempotent()
  inPieces(@Res({ passthrough: true }) reply: Reply): string {
    calls += 1;
    reply.write('part 1');
    return 'rest';
  }

  @Post('headers')
  @Idempotent()
  headers(@Res({ passthrough: true }) reply: Reply & { flushHeaders(): void }): string {
    calls += 1;
    reply.flushHeaders();
    return 'rest';
  }

  /** Of Fastify. */
  @Post('hijacked')
  @Idempotent()
  hijacked(@Res({ passthrough: true }) reply: Reply & { hijack(): void }): void {
    calls += 1;
    reply.hijack();
    setImmediate(() => reply.raw?.end('by hand'));
  }

  @Post('by-timer')
  @Idempotent()
  async byTimer(@Res({ passthrough: true }) reply: Reply): Promise<object> {
    calls += 1;
    const sent = new Deferred();
    setTimeout(() => {
      reply.status(418).send('late');
      sent.resolve();
    });
    await sent.promise;
    return { receipt: calls };
  }

  @Post('fails-later')
  @Idempotent()
  failsLater(@Res({ passthrough: true }) reply: Reply): never {
    calls += 1;
    reply.status(200).send({ paid: true });
    throw new Error('the audit is down');
  }

  @Post('unavailable')
  @Idempotent()
  unavailable(@Res({ passthrough: true }) reply: Reply): void {
    calls += 1;
    reply.status(503).send('try again');
  }

  @Post('slow')
  @Idempotent()
  async slow(@Res({ passthrough: true }) reply: Reply): Promise<void> {
    calls += 1;
    await desk.work('slow');
    reply.status(402).send({ declined: true });
  }

  @Post('limited')
  @Idempotent()
  @UseInterceptors(Limiting)
  async limited(@Res({ passthrough: true }) reply: Reply): Promise<void> {
    calls += 1;
    await desk.work('limited');
    if (!(reply.raw ?? reply).headersSent) reply.status(402).send({ declined: true });
  }
}

/** Sends later, as sessions do that are saved first. */
function delayAnswers(app: INestApplication, platform: Platform): void {
  if (platform === 'fastify') {
    const fastify = app.getHttpAdapter().getInstance() as {
      addHook(name: 'onSend', hook: (request: unknown, reply: unknown, payload: unknown) => Promise<unknown>): void;
    };
    fastify.addHook('onSend', async (_request, _reply, payload) => {
      await new Promise(setImmediate);
      return payload;
    });
    return;
  }
  app.use((_request: unknown, response: RawResponse, next: () => void) => {
    const { end } = response;
    response.end = (...args) => {
      response.end = () => response;
      setImmediate(() => end.apply(response, args));
      return response;
    };
    next();
  });
}

describe.each(PLATFORMS)('answers by hand of a handler with @Idempotent on %s', (platform) => {
  let app: TestApp;

  beforeEach(async () => {
    desk = new Desk();
    calls = 0;
    app = await TestApp.start(platform, { controllers: [ByHand] });
  });

  afterEach(async () => {
    await app.close();
  });

  const post = async (path: string): Promise<{ status: number; text: string }> => {
    const { status, text } = await app.get(path, {
      method: 'POST',
      headers: { 'Idempotency-Key': 'k' },
      signal: AbortSignal.timeout(20_000),
    });
    return { status, text };
  };

  const expectRefused = async (path: string): Promise<void> => {
    await until(async () => !(await post(path)).text.includes('IDEMPOTENCY_IN_PROGRESS'));
    const repetition = await post(path);
    expect(repetition.text).toContain('IDEMPOTENCY_NOT_REPLAYABLE');
    expect(repetition.status).toBe(409);
    expect(calls).toBe(1);
  };

  it.each([
    ['/declined', 402, '{"declined":true}'],
    ['/accepted', 200, '{"accepted":true}'],
    ['/bare', 402, ''],
    ['/by-timer', 418, 'late'],
    ['/fails-later', 200, '{"paid":true}'],
  ])('what a handler sends by hand (%s) is not repeated, and the handler does not run again', async (path, ...sent) => {
    const first = await post(path);
    expect([first.status, first.text]).toEqual(sent);
    await expectRefused(path);
    expect(app.log.lines.join('\n')).toContain('the handler has sent its answer by hand');
  });

  // A value that is returned besides has Fastify fail, in some versions by an error that nothing catches.
  it.each(platform === 'express' ? ['/in-pieces', '/headers'] : ['/hijacked'])(
    'an answer that a handler has begun by hand (%s) is not repeated',
    async (path) => {
      expect((await post(path)).status).toBe(201);
      await expectRefused(path);
    },
  );

  it('an answer by hand whose status is not stored is run again', async () => {
    expect(await post('/unavailable')).toEqual({ status: 503, text: 'try again' });
    await until(async () => (await post('/unavailable')).status === 503);
    expect(calls).toBeGreaterThan(1);
  });

  it('an answer by hand to a client that has left is not taken for an empty one', async () => {
    const leaving = httpRequest(`${app.url}/slow`, { method: 'POST', headers: { 'Idempotency-Key': 'k' } });
    leaving.on('error', () => undefined);
    leaving.end();
    await until(() => desk.has('slow starts'));
    leaving.destroy();
    desk.gate('slow').resolve();
    await expectRefused('/slow');
  });

  it('a handler that sends nothing by hand, as its client was answered, is not taken for an empty answer', async () => {
    const first = post('/limited');
    await until(() => desk.has('limited starts'));
    Limiting.over.next(undefined);
    expect((await first).status).toBe(500);
    desk.gate('limited').resolve();
    await expectRefused('/limited');
  });
});

describe.each(PLATFORMS)('answers by hand that leave later, on %s', (platform) => {
  it('are not repeated, and their handler does not run again', async () => {
    calls = 0;
    const app = await TestApp.start(platform, { controllers: [ByHand] }, (made) => {
      delayAnswers(made, platform);
    });
    try {
      const init = { method: 'POST', headers: { 'Idempotency-Key': 'k' }, signal: AbortSignal.timeout(20_000) };
      expect((await app.get('/declined', init)).status).toBe(402);
      await until(async () => !(await app.get('/declined', init)).text.includes('IDEMPOTENCY_IN_PROGRESS'));
      expect((await app.get('/declined', init)).text).toContain('IDEMPOTENCY_NOT_REPLAYABLE');
      expect(calls).toBe(1);
    } finally {
      await app.close();
    }
  });
});
