import { afterEach } from '@jest/globals';
import { createServer, request as send, type Server } from 'node:http';
import { once } from 'node:events';
import { Module, type CanActivate, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { InMemoryLockingProvider, LockingModule, LockingService, MemoryLockStore } from '../../../lib/index.js';
import { LockingDashboardModule, type LockingDashboardOptions } from '../../../lib/operations/dashboard/index.js';
import { LogCapture } from '../../support/log-capture.js';

export interface Dashboard {
  readonly app: INestApplication;
  readonly locking: LockingService;
  readonly log: LogCapture;
  readonly store: MemoryLockStore;
  /** Of the dashboard, without a slash at its end. */
  readonly url: string;
}

export type Platform = 'express' | 'fastify';

/** Guards by a header, as an application has its own way to. */
export class HeaderGuard implements CanActivate {
  canActivate(context: { switchToHttp(): { getRequest(): { headers: Record<string, unknown> } } }): boolean {
    return context.switchToHttp().getRequest().headers['x-admin'] === 'yes';
  }
}

/** Starts applications with a dashboard, and closes them after each test. */
export function useDashboards() {
  const running: INestApplication[] = [];

  afterEach(async () => {
    await Promise.all(running.splice(0).map(async (app) => app.close()));
  });

  return async (
    options: LockingDashboardOptions,
    {
      platform = 'express',
      prefix = '',
      http2 = false,
      fastify = {},
    }: { platform?: Platform; prefix?: string; http2?: boolean; fastify?: object } = {},
  ): Promise<Dashboard> => {
    const store = new MemoryLockStore();

    @Module({
      imports: [
        LockingModule.forRoot({
          instanceId: 'web-1',
          providers: [{ resolve: InMemoryLockingProvider, options: { store } }],
        }),
        LockingModule.forFeature({ leaders: [{ name: 'mail relay', instanceId: 'web-1' }] }),
        LockingDashboardModule.forRoot({ interval: '500ms', ...options }),
      ],
    })
    class AppModule {}

    const log = new LogCapture();
    const adapter = platform === 'fastify' ? [new FastifyAdapter({ http2, ...fastify } as object)] : [];
    const app = await NestFactory.create(AppModule, ...(adapter as []), {
      logger: log,
      abortOnError: false,
    });
    running.push(app);
    if (prefix !== '') app.setGlobalPrefix(prefix);
    await app.listen(0, '127.0.0.1');
    const address = app.getHttpServer().address() as { port: number };
    const path = [prefix, options.path ?? 'locks'].filter(Boolean).join('/');
    return { app, store, log, locking: app.get(LockingService), url: `http://127.0.0.1:${address.port}/${path}` };
  };
}

/** The messages of server-sent events, one after another; `close` leaves. */
export async function openEvents(url: string, headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const answer = await fetch(url, { headers, signal: abort.signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (): Promise<Record<string, unknown>> => {
    for (;;) {
      const found = /^data: (.*)$/m.exec(text);
      const end = text.indexOf('\n\n');
      if (found && end >= 0) {
        text = text.slice(end + 2);
        return JSON.parse(found[1] ?? '') as Record<string, unknown>;
      }
      if (end >= 0) text = text.slice(end + 2);
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) throw new Error('the events have ended');
      text += value;
    }
  };
  return {
    status: answer.status,
    next,
    /** The first message of which `condition` holds. */
    until: async (condition: (message: never) => boolean): Promise<Record<string, unknown>> => {
      for (;;) {
        const message = await next();
        if (condition(message as never)) return message;
      }
    },
    ended: async (): Promise<void> => {
      while (!((await reader?.read()) ?? { done: true }).done);
    },
    close: (): void => {
      abort.abort();
    },
  };
}

/** The status of a request that calls the server `host`, whatever its address. */
export async function statusAs(host: string, url: string, method = 'GET'): Promise<number> {
  const outgoing = send(url, { method, headers: { host }, agent: false });
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [{ statusCode?: number; destroy(): void }];
  incoming.destroy();
  return incoming.statusCode ?? 0;
}

/** A proxy that serves an application below a path of its own, which it takes away; closed after each test. */
export function useProxies() {
  const running: Server[] = [];

  afterEach(async () => {
    for (const proxy of running.splice(0)) {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });

  return async (target: string, path: string): Promise<string> => {
    const { origin, pathname } = new URL(target);
    const proxy = createServer((incoming, outgoing) => {
      const { method = 'GET', headers, url = '' } = incoming;
      if (!url.startsWith(path)) {
        outgoing.writeHead(404).end();
        return;
      }
      const forwarded = send(origin + url.slice(path.length), { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      forwarded.on('error', () => outgoing.destroy());
      outgoing.on('close', () => forwarded.destroy());
      incoming.pipe(forwarded);
    });
    running.push(proxy);
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as { port: number };
    return `http://127.0.0.1:${port}${path}${pathname}`;
  };
}
