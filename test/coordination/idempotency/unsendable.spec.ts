import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  Catch,
  Controller,
  Get,
  Header,
  HttpCode,
  Post,
  Res,
  UseFilters,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { map, type Observable } from 'rxjs';
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
  status(status: number): { send(body: unknown): unknown };
}

const BAD = 'attachment; filename="čeština.pdf"';

/** Node refuses what it sends, and nothing waits for that. */
@Catch()
class Careless implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    (response.raw ?? response).statusMessage = 'nebylo čau';
    response.status(400).send({ from: 'filter' });
  }
}

/** Nest leaves it as it is when such a filter rejects. */
@Catch()
class CarelessLater implements ExceptionFilter {
  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    await Promise.resolve();
    new Careless().catch(error, host);
  }
}

@Catch()
class NoJson implements ExceptionFilter {
  async catch(_error: unknown, host: ArgumentsHost): Promise<void> {
    await host.switchToHttp().getResponse<Response>().status(400).send({ big: 1n });
  }
}

/** A filter that answers in a form of its own. */
@Catch()
class InOwnForm implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<Response>().status(500).send({ own: error.name });
  }
}

@Catch()
class InOwnFormLater implements ExceptionFilter {
  async catch(error: Error, host: ArgumentsHost): Promise<void> {
    await Promise.resolve();
    new InOwnForm().catch(error, host);
  }
}

/** Fails on what the handler has returned. */
class Mapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map(() => {
        throw new BadRequestException('no');
      }),
    );
  }
}

/** Answers that Node refuses to send: Fastify finds that out when it sends them. */
@Controller()
class Unsendable {
  @Post('header')
  @Idempotent()
  @LockRequest('unsendable')
  header(@Res({ passthrough: true }) response: Response): string {
    calls.push('header');
    response.header('Content-Disposition', BAD);
    return 'done';
  }

  @Post('two-headers')
  @Idempotent()
  @LockRequest('unsendable')
  @UseFilters(InOwnForm)
  twoHeaders(@Res({ passthrough: true }) response: Response): string {
    calls.push('two-headers');
    response.header('Content-Disposition', BAD);
    response.header('X-Name', 'čeština');
    return 'done';
  }

  @Post('message-and-header')
  @Idempotent()
  @LockRequest('unsendable')
  @UseFilters(InOwnForm)
  messageAndHeader(@Res({ passthrough: true }) response: Response): string {
    calls.push('message-and-header');
    (response.raw ?? response).statusMessage = 'hotovo čau';
    response.header('Content-Disposition', BAD);
    return 'done';
  }

  @Post('message-in-own-form')
  @Idempotent()
  @UseFilters(InOwnForm)
  messageInOwnForm(@Res({ passthrough: true }) response: Response): string {
    (response.raw ?? response).statusMessage = 'hotovo čau';
    return 'done';
  }

  @Post('header-refused')
  @Idempotent()
  @LockRequest('unsendable')
  headerRefused(@Res({ passthrough: true }) response: Response): string {
    calls.push('header-refused');
    response.header('Content-Disposition', BAD);
    throw new BadRequestException('no');
  }

  @Post('header-thrown')
  @Idempotent()
  @LockRequest('unsendable')
  headerThrown(@Res({ passthrough: true }) response: Response): string {
    calls.push('header-thrown');
    response.header('Content-Disposition', BAD);
    throw new Error('no');
  }

  @Post('message-refused')
  @Idempotent()
  @LockRequest('unsendable')
  messageRefused(@Res({ passthrough: true }) response: Response): string {
    calls.push('message-refused');
    (response.raw ?? response).statusMessage = 'nebylo čau';
    throw new BadRequestException('no');
  }

  @Post('filter')
  @Idempotent()
  @LockRequest('unsendable')
  @UseFilters(Careless)
  filter(): string {
    calls.push('filter');
    throw new BadRequestException('no');
  }

  @Post('filter-later')
  @Idempotent()
  @LockRequest('unsendable')
  @UseFilters(CarelessLater)
  filterLater(): string {
    calls.push('filter-later');
    throw new BadRequestException('no');
  }

  @Post('filter-of-refused')
  @Idempotent()
  @LockRequest('unsendable')
  @UseFilters(CarelessLater)
  filterOfRefused(@Res({ passthrough: true }) response: Response): string {
    calls.push('filter-of-refused');
    (response.raw ?? response).statusMessage = 'hotovo čau';
    return 'done';
  }

  @Post('mapping')
  @Idempotent()
  @UseInterceptors(Mapping)
  @LockRequest('unsendable')
  @UseFilters(InOwnFormLater)
  mapping(@Res({ passthrough: true }) response: Response): string {
    calls.push('mapping');
    (response.raw ?? response).statusMessage = 'hotovo čau';
    return 'done';
  }

  @Post('no-json')
  @Idempotent()
  @LockRequest('unsendable')
  @UseFilters(NoJson)
  noJson(): string {
    calls.push('no-json');
    throw new BadRequestException('no');
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

  const ofFastify = platform === 'fastify' ? ['header', 'type', 'two-headers', 'message-and-header'] : [];
  const kinds = [...ofFastify, 'message', 'filter-of-refused', 'mapping'];

  it.each(kinds)('a client gets 500, and the lock is free; the handler does not run again: %s', async (kind) => {
    expect((await send('POST', `/${kind}`)).status).toBe(500);
    expect(await app.locking.inspect('unsendable')).toBeNull();
    expect((await send('POST', `/${kind}`)).status).toBeLessThan(501);
    expect(calls).toEqual([kind]);
  });

  // Under Express the call that sets a bad header throws.
  const refusedByFastify = platform === 'fastify' ? ['header-refused', 'header-thrown', 'no-json'] : [];
  const refusals = [...refusedByFastify, 'message-refused', 'filter', 'filter-later'];

  it.each(refusals)(
    'a failure that cannot be sent is a 500, frees the key, and its handler runs again: %s',
    async (kind) => {
      for (let time = 1; time <= 2; time += 1) {
        expect((await send('POST', `/${kind}`)).status).toBe(500);
        expect(await app.locking.inspect('unsendable')).toBeNull();
        expect(calls).toHaveLength(time);
      }
    },
  );

  const severalAtOnce = platform === 'fastify' ? ['two-headers', 'message-and-header'] : ['message-in-own-form'];

  it.each(severalAtOnce)('the filter of the application answers for all that is wrong at once: %s', async (kind) => {
    expect(await send('POST', `/${kind}`)).toMatchObject({ status: 500, text: '{"own":"TypeError"}' });
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
