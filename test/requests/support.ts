import { request as httpRequest, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Module,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type LoggerService,
  type ModuleMetadata,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { race, Subject, switchMap, throwError, type Observable } from 'rxjs';
import { LockingModule, LockingService } from '../../lib/index.js';

export const PLATFORMS = ['express', 'fastify'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** A promise that the test settles. */
export class Deferred<T = void> {
  resolve!: (value: T) => void;
  reject!: (reason: Error) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** Keeps handlers busy until the test ends them, and counts the busy ones. */
export class Desk {
  readonly events: string[] = [];
  running = 0;
  most = 0;
  private readonly gates = new Map<string, Deferred>();

  async work(name: string): Promise<string> {
    this.events.push(`${name} starts`);
    this.most = Math.max(this.most, ++this.running);
    try {
      await this.gate(name).promise;
    } finally {
      this.running--;
      this.events.push(`${name} ends`);
    }
    return name;
  }

  gate(name: string): Deferred {
    const gate = this.gates.get(name) ?? new Deferred();
    gate.promise.catch(() => undefined);
    this.gates.set(name, gate);
    return gate;
  }

  has(event: string): boolean {
    return this.events.includes(event);
  }
}

/** Polls, as there is no event for a request that waits for its lock. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`still not true: ${condition.toString()}`);
    await delay(5);
  }
}

/** The time limit of the Nest documentation, but it ends when the test says so. */
export class Limiting implements NestInterceptor {
  static readonly over = new Subject<void>();

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const timedOut = Limiting.over.pipe(switchMap(() => throwError(() => new Error('timed out'))));
    return race(next.handle(), timedOut);
  }
}

/** The warnings and errors that Nest logs. */
export class Log implements LoggerService {
  readonly lines: string[] = [];
  log(): void {
    return;
  }
  warn(message: unknown): void {
    this.lines.push(`warn: ${String(message)}`);
  }
  error(message: unknown): void {
    this.lines.push(`error: ${String(message)}`);
  }
}

export class TestApp {
  private constructor(
    readonly app: INestApplication,
    readonly log: Log,
    readonly locking: LockingService,
    readonly url: string,
  ) {}

  static async start(
    platform: Platform,
    metadata: ModuleMetadata,
    configure: (app: INestApplication) => unknown = () => undefined,
  ): Promise<TestApp> {
    const log = new Log();
    const app = await create(platform, [LockingModule.forRoot()], metadata, log);
    await configure(app);
    await app.listen(0, '127.0.0.1');
    return new TestApp(app, log, app.get(LockingService), await app.getUrl());
  }

  async close(): Promise<void> {
    await this.app.close();
  }

  async get(path: string, init?: RequestInit): Promise<{ status: number; text: string; headers: Headers }> {
    const response = await fetch(this.url + path, init);
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  /** Sends a request whose client leaves when the returned function is called, which resolves once the server knows. */
  leaving(path: string, headers: Readonly<Record<string, string>> = {}): () => Promise<void> {
    const request = httpRequest(this.url + path, { method: 'POST', headers, agent: false });
    request.on('error', () => undefined);
    let connection: { readonly destroyed: boolean } | undefined;
    const server = this.app.getHttpServer() as Server;
    server.once('request', ({ socket }) => (connection = socket));
    request.end();
    return async () => {
      request.destroy();
      await until(() => connection?.destroyed === true);
      // What listens to the connection has been called.
      await new Promise(setImmediate);
    };
  }

  async waiters(key: string): Promise<number> {
    return (await this.locking.inspect(key))?.waiters ?? 0;
  }

  async isHeld(key: string): Promise<boolean> {
    return (await this.locking.inspect(key)) !== null;
  }

  async untilWaiting(key: string, count = 1): Promise<void> {
    await until(async () => (await this.waiters(key)) === count);
  }

  async untilFree(key: string): Promise<void> {
    await until(async () => !(await this.isHeld(key)));
  }
}

/** An application without locks, unless `imports` has them. */
export async function create(
  platform: Platform,
  imports: ModuleMetadata['imports'] & object,
  metadata: ModuleMetadata,
  logger = new Log(),
): Promise<INestApplication> {
  @Module({ ...metadata, imports: [...imports, ...(metadata.imports ?? [])] })
  class AppModule {}
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  return NestFactory.create(AppModule, adapter, { logger, abortOnError: false, forceCloseConnections: true });
}
