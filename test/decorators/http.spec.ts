/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { describe, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  Inject,
  Injectable,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Req,
  Scope,
  SetMetadata,
  Sse,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type MessageEvent,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector, REQUEST } from '@nestjs/core';
import { concat, map, NEVER, of, type Observable } from 'rxjs';
import { LockingService, WithLock } from '../../lib/index.js';
import { freed, isHeld, Stage, useLockingApps, waiting } from '../support/nest-apps.js';

interface HttpRequest {
  headers: Record<string, string | undefined>;
  url: string;
}

/** Admits requests with the role that the handler requires. */
@Injectable()
class RoleGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const wanted = this.reflector.get<string>('role', context.getHandler());
    return context.switchToHttp().getRequest<HttpRequest>().headers.role === wanted;
  }
}

@Injectable()
class Wrap implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

interface Line {
  sku: string;
}

@Controller('orders')
class OrdersController {
  readonly stage = new Stage();

  constructor(private readonly locking: LockingService) {}

  @Get('above/:id')
  @WithLock('order:<0>')
  async routeAbove(@Param('id', ParseIntPipe) id: number, @Query('q') q: string): Promise<unknown> {
    return Promise.resolve({ id, q, keys: this.keys() });
  }

  @WithLock('order:<0>')
  @Get('below/:id')
  @Header('x-kept', 'yes')
  async routeBelow(@Param('id', ParseIntPipe) id: number, @Query('q') q: string): Promise<unknown> {
    return Promise.resolve({ id, q, keys: this.keys() });
  }

  @HttpCode(202)
  @WithLock('sku:<0[].sku>')
  @Post('lines')
  async lines(@Body() _lines: Line[]): Promise<unknown> {
    return Promise.resolve({ keys: this.keys() });
  }

  @Post('pay/:id/:name')
  @WithLock('order:<0>')
  async pay(@Param('id') id: string, @Param('name') name: string): Promise<string> {
    await this.stage.enter(name);
    return `${name} paid ${id}`;
  }

  @Get('guard-above')
  @UseGuards(RoleGuard)
  @SetMetadata('role', 'admin')
  @WithLock('guarded')
  async guardAbove(): Promise<unknown> {
    return Promise.resolve(this.keys());
  }

  @WithLock('guarded')
  @UseGuards(RoleGuard)
  @SetMetadata('role', 'admin')
  @Get('guard-below')
  async guardBelow(): Promise<unknown> {
    return Promise.resolve(this.keys());
  }

  @UseInterceptors(Wrap)
  @WithLock('wrapped')
  @UseGuards(RoleGuard)
  @Get('between')
  @SetMetadata('role', 'admin')
  async between(): Promise<unknown> {
    return Promise.resolve(this.keys());
  }

  @Get('request')
  @WithLock('url:<0.url>')
  async request(@Req() _request: HttpRequest): Promise<unknown> {
    return Promise.resolve(this.keys());
  }

  @Get('stream/:id')
  @WithLock('order:<0>')
  stream(@Param('id') id: string): Observable<unknown> {
    return of({ id, keys: this.keys() });
  }

  @Sse('events/:id')
  @WithLock('order:<0>')
  events(@Param('id') id: string): Observable<MessageEvent> {
    return of({ data: id }, { data: this.keys()?.join() ?? 'no lock' });
  }

  @Sse('endless/:id')
  @WithLock('order:<0>')
  endless(@Param('id') id: string): Observable<MessageEvent> {
    return concat(of({ data: id }), NEVER);
  }

  @Get('undeclared/:id')
  @WithLock('order:<0>')
  async undeclared(@Param('id') id: string): Promise<Observable<unknown>> {
    return Promise.resolve(of({ id, keys: this.keys() }));
  }

  @Get('failing')
  @WithLock('failing')
  async failing(): Promise<unknown> {
    return Promise.reject(new NotFoundException('no such order'));
  }

  private keys(): readonly string[] | undefined {
    return this.locking.current()?.keys;
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  constructor(
    @Inject(REQUEST) private readonly request: HttpRequest,
    private readonly locking: LockingService,
  ) {}

  @Get(':id')
  @WithLock('scoped:<this.request.headers.tenant>:<0>')
  async get(@Param('id') _id: string): Promise<unknown> {
    return Promise.resolve([this.request.url, this.locking.current()?.keys]);
  }
}

describe('@WithLock on a controller', () => {
  const startApp = useLockingApps();
  let app: INestApplication;
  let url: string;

  const listen = async (): Promise<void> => {
    app = await startApp({ controllers: [OrdersController, ScopedController] });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  };

  const json = async (path: string, init?: RequestInit): Promise<unknown> => {
    const response = await fetch(`${url}/${path}`, init);
    return response.json();
  };

  it.each(['above', 'below'])('keeps routes, parameters and pipes %s it', async (place) => {
    await listen();
    const response = await fetch(`${url}/orders/${place}/7?q=x`);
    expect(response.headers.get('x-kept')).toBe(place === 'below' ? 'yes' : null);
    expect(await response.json()).toEqual({ id: 7, q: 'x', keys: ['order:7'] });
    expect((await fetch(`${url}/orders/${place}/seven`)).status).toBe(400);
  });

  it('@WithLock keeps @Post, @Body and @HttpCode', async () => {
    await listen();
    const response = await fetch(`${url}/orders/lines`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ sku: 'b' }, { sku: 'a' }]),
    });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ keys: ['sku:a', 'sku:b'] });
  });

  it('requests are locked per key', async () => {
    await listen();
    const { stage } = app.get(OrdersController);
    const pay = async (path: string): Promise<string> =>
      (await fetch(`${url}/orders/pay/${path}`, { method: 'POST' })).text();
    const first = pay('1/first');
    await stage.entered('first');
    const second = pay('1/second');
    const other = pay('2/other');
    await waiting(app, 'order:1');
    await stage.entered('other');
    expect(stage.inside).toEqual(['first', 'other']);
    stage.leave('first');
    await stage.entered('second');
    stage.leave('second');
    stage.leave('other');
    expect(await Promise.all([first, second, other])).toEqual(['first paid 1', 'second paid 1', 'other paid 2']);
  });

  it.each(['guard-above', 'guard-below'])('keeps guards and what they read: %s', async (path) => {
    await listen();
    expect((await fetch(`${url}/orders/${path}`)).status).toBe(403);
    expect((await fetch(`${url}/orders/${path}`, { headers: { role: 'guest' } })).status).toBe(403);
    expect(await json(`orders/${path}`, { headers: { role: 'admin' } })).toEqual(['guarded']);
  });

  it('@WithLock keeps a guard below and an interceptor above it', async () => {
    await listen();
    expect((await fetch(`${url}/orders/between`)).status).toBe(403);
    expect(await json('orders/between', { headers: { role: 'admin' } })).toEqual({ data: ['wrapped'] });
  });

  it('a key may be made of the request', async () => {
    await listen();
    expect(await json('orders/request')).toEqual(['url:%2Forders%2Frequest']);
  });

  it.each(['stream', 'undeclared'])('answers with the value of an Observable: %s', async (path) => {
    await listen();
    expect(await json(`orders/${path}/5`)).toEqual({ id: '5', keys: ['order:5'] });
    await freed(app, 'order:5');
  });

  it('the lock is held during a stream of server-sent events', async () => {
    await listen();
    const response = await fetch(`${url}/orders/events/5`);
    const text = await response.text();
    expect(text).toContain('data: 5\n');
    expect(text).toContain('data: order:5\n');
    await freed(app, 'order:5');
  });

  it('the lock is released when the client of a stream disconnects', async () => {
    await listen();
    const client = new AbortController();
    const response = await fetch(`${url}/orders/endless/5`, { signal: client.signal });
    await response.body!.getReader().read();
    expect(await isHeld(app, 'order:5')).toBe(true);
    client.abort();
    await freed(app, 'order:5');
  });

  it("the handler's HTTP errors reach Nest", async () => {
    await listen();
    expect(await json('orders/failing')).toMatchObject({ statusCode: 404, message: 'no such order' });
    await freed(app, 'failing');
  });

  it('@WithLock works in a request-scoped controller', async () => {
    await listen();
    const ask = async (tenant: string): Promise<unknown> => json('scoped/1', { headers: { tenant } });
    expect(await Promise.all([ask('a'), ask('b')])).toEqual([
      ['/scoped/1', ['scoped:a:1']],
      ['/scoped/1', ['scoped:b:1']],
    ]);
  });
});
