import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Controller, Get, Module, Post, StreamableFile, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { isLockConfigurationError, LockingModule, LockingService, LockRequest } from '../../lib/index.js';
import { Log, PLATFORMS, TestApp, until } from './support.js';

const CHUNK = 'x'.repeat(64 * 1024);
const LARGE = 64 * 1024 * 1024;

/** The streams, in the order in which they were made. */
let streams: { stream: Readable; chunks: number }[];

let handled = 0;

/** An endless stream, as fast as it is read. */
function endless(): Readable {
  const made = {
    chunks: 0,
    stream: new Readable({
      read() {
        made.chunks += 1;
        this.push(CHUNK);
      },
    }),
  };
  streams.push(made);
  return made.stream;
}

@Controller()
class ReportsController {
  @Get('large')
  @LockRequest('report')
  large(): string {
    handled += 1;
    return 'x'.repeat(LARGE);
  }

  @Get('unlocked')
  unlocked(): string {
    return 'x'.repeat(LARGE);
  }

  @Post('small')
  @LockRequest('report')
  small(): object {
    return { small: true };
  }

  @Get('stream')
  @LockRequest('report', { responseTimeout: '200ms' })
  stream(): StreamableFile {
    return new StreamableFile(endless());
  }

  @Get('patient')
  @LockRequest('report', { responseTimeout: '10m' })
  patient(): StreamableFile {
    return new StreamableFile(endless());
  }

  @Get('slow')
  @LockRequest('report', { responseTimeout: '1ms' })
  slow(): StreamableFile {
    const stream = new Readable({ read: () => undefined });
    streams.push({ stream, chunks: 0 });
    return new StreamableFile(stream);
  }
}

const CUT = /^warn: The client of a request to ReportsController\.\w+ does not read its response/;

describe.each(PLATFORMS)('a client that does not read its response (%s)', (platform) => {
  let test: TestApp;
  let client: Socket;
  beforeEach(async () => {
    streams = [];
    handled = 0;
    test = await TestApp.start(platform, { controllers: [ReportsController] });
    client = connect(Number(new URL(test.url).port), '127.0.0.1');
    client.on('error', () => undefined);
  });
  afterEach(async () => {
    client.destroy();
    await test.close();
  });

  const ask = (...requests: string[]): void => {
    client.write(requests.map((line) => `${line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`).join(''));
  };

  it('a complete answer that is not read does not keep its lock', async () => {
    client.pause();
    ask('GET /large');
    await until(() => handled === 1);
    expect((await test.get('/small', { method: 'POST' })).status).toBe(201);
    await test.untilFree('report');
    expect(client.destroyed).toBe(false);
  });

  it('a request behind another unread answer does not keep its lock', async () => {
    client.pause();
    ask('GET /unlocked', 'POST /small');
    expect((await test.get('/small', { method: 'POST' })).status).toBe(201);
    await test.untilFree('report');
    expect(client.destroyed).toBe(false);
  });

  it.each([
    ['by itself', ['GET /stream']],
    ['behind another unread answer', ['GET /unlocked', 'GET /stream']],
  ])('an unread stream keeps its lock for responseTimeout only (%s)', async (_what, requests) => {
    client.pause();
    ask(...requests);
    await until(() => streams.length === 1);
    expect((await test.get('/small', { method: 'POST' })).status).toBe(201);
    const { stream } = streams[0]!;
    expect(stream.destroyed).toBe(true);
    expect(test.log.lines).toEqual([expect.stringMatching(CUT)]);
    client.resume();
    await until(() => client.closed);
  });

  it('responseTimeout does not count the time of a slow stream itself', async () => {
    ask('GET /slow');
    const body: string[] = [];
    client.on('data', (data: Buffer) => body.push(data.toString()));
    await until(() => streams.length === 1);
    const { stream } = streams[0]!;
    for (let count = 0; count < 3; count++) {
      stream.push(`line ${count}`);
      await until(() => body.join('').includes(`line ${count}`));
    }
    expect(await test.isHeld('report')).toBe(true);
    stream.push(null);
    await test.untilFree('report');
    expect(test.log.lines).toEqual([]);
  });

  it('a shutdown does not wait for an unread response', async () => {
    client.pause();
    ask('GET /patient');
    await until(() => streams.length === 1);
    const { stream } = streams[0]!;
    const held = test.locking.inspect('report');
    expect(await held).not.toBeNull();
    const closing = test.close();
    await until(() => stream.destroyed);
    await closing;
    // Nest 11 logs the end of the stream as well.
    const lines = test.log.lines.filter((line) => !line.includes('ERR_STREAM_PREMATURE_CLOSE'));
    expect(lines).toEqual([expect.stringMatching(CUT)]);
  });
});

describe('a client of HTTP/2 that does not read its response', () => {
  let app: INestApplication;
  let session: ClientHttp2Session;
  let log: Log;
  beforeEach(async () => {
    streams = [];
    handled = 0;
    log = new Log();
    @Module({ imports: [LockingModule.forRoot()], controllers: [ReportsController] })
    class AppModule {}
    const adapter = new FastifyAdapter({ http2: true } as never);
    app = await NestFactory.create(AppModule, adapter, { logger: log, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    session = connectHttp2(await app.getUrl());
  });
  afterEach(async () => {
    session.destroy();
    await app.close();
  });

  const isHeld = async (): Promise<boolean> => (await app.get(LockingService).inspect('report')) !== null;

  it('a complete answer that is not read does not keep its lock', async () => {
    const request = session.request({ ':path': '/large' });
    request.pause();
    await until(() => handled === 1);
    await until(async () => !(await isHeld()));
    expect(request.closed).toBe(false);
    expect(log.lines).toEqual([]);
  });

  it('an unread stream of HTTP/2 keeps its lock for responseTimeout only', async () => {
    const request = session.request({ ':path': '/stream' });
    const codes: number[] = [];
    request.on('error', () => undefined);
    request.on('close', () => codes.push(request.rstCode));
    request.pause();
    await until(() => streams.length === 1);
    await until(async () => !(await isHeld()));
    expect(streams[0]!.stream.destroyed).toBe(true);
    request.resume();
    await until(() => codes.length === 1);
    expect(codes).toEqual([2]);
    expect(session.destroyed).toBe(false);
    expect(log.lines).toEqual([expect.stringMatching(CUT)]);
  });
});

describe('responseTimeout', () => {
  it.each(['soon', -1, NaN, 7200])('a responseTimeout that is no duration is refused at decoration (%p)', (value) => {
    let error: unknown;
    try {
      LockRequest('key', { responseTimeout: value as never });
    } catch (caught) {
      error = caught;
    }
    expect(isLockConfigurationError(error)).toBe(true);
    expect((error as Error).message).toMatch(/^responseTimeout: /);
  });
});
