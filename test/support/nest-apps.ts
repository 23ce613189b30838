import { afterEach } from '@jest/globals';
import { type INestApplication, type INestApplicationContext, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LockingModule, LockingService } from '../../lib/index.js';

/** Starts Nest applications for the tests of a file, and closes them after each test. */
export function useApps(): (...parts: ModuleMetadata[]) => Promise<INestApplication> {
  const running: INestApplication[] = [];

  afterEach(async () => {
    await Promise.all(running.splice(0).map(async (app) => app.close()));
  });

  return async (...parts) => {
    @Module({
      imports: parts.flatMap(({ imports = [] }) => imports),
      controllers: parts.flatMap(({ controllers = [] }) => controllers),
      providers: parts.flatMap(({ providers = [] }) => providers),
    })
    class AppModule {}

    const app = await NestFactory.create(AppModule, {
      logger: false,
      abortOnError: false,
      forceCloseConnections: true,
    });
    running.push(app);
    await app.init();
    return app;
  };
}

/** As {@link useApps}, with locks in memory. */
export function useLockingApps(): (parts: ModuleMetadata) => Promise<INestApplication> {
  const startApp = useApps();
  return async (parts) => startApp({ imports: [LockingModule.forRoot()] }, parts);
}

/** Records the calls that are inside a method, and keeps each call inside until the test calls `leave`. */
export class Stage {
  /** The names of the calls, in the order in which they entered. */
  readonly inside: string[] = [];

  private readonly exits = new Map<string, () => void>();
  private readonly awaited = new Map<string, () => void>();

  /** Called by the method under test. */
  async enter(name: string): Promise<void> {
    this.inside.push(name);
    this.awaited.get(name)?.();
    await new Promise<void>((resolve) => this.exits.set(name, resolve));
    this.inside.splice(this.inside.indexOf(name), 1);
  }

  /** Resolves once `name` is inside. */
  async entered(name: string): Promise<void> {
    if (!this.inside.includes(name)) await new Promise<void>((resolve) => this.awaited.set(name, resolve));
  }

  leave(name: string): void {
    const exit = this.exits.get(name);
    if (!exit) throw new Error(`${name} is not inside`);
    this.exits.delete(name);
    exit();
  }
}

/** Resolves once `key` has `count` waiters. */
export async function waiting(app: INestApplicationContext, key: string, count = 1): Promise<void> {
  const service = app.get(LockingService);
  await until(async () => (await service.inspect(key))?.waiters === count, `${count} waiting for ${key}`);
}

/** Resolves once `key` is free. */
export async function freed(app: INestApplicationContext, key: string): Promise<void> {
  await until(async () => !(await isHeld(app, key)), `${key} free`);
}

export async function isHeld(app: INestApplicationContext, key: string): Promise<boolean> {
  return (await app.get(LockingService).inspect(key)) !== null;
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`still not so: ${what}`);
    await nextTurn();
  }
}

/** The error that `promise` was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`resolved with ${String(value)} instead of being rejected`);
    },
    (error: unknown) => error,
  );
}

/** The error that `call` threw. */
export function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
