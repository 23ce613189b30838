import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LockingModule, LockingService } from 'nestjs-locking';
import { now } from '../../clock.js';
import type { WorkerContext } from '../context.js';
import { DecoratedService } from './decorated.service.js';

type Call = (i: number) => Promise<unknown>;

let calls: Record<string, Call> | undefined;

/** Nanoseconds for each call of something that needs no Redis. */
export async function callInProcess(
  _context: WorkerContext,
  { call, ms }: { call: 'execute' | 'job' | 'decorated' | 'bare'; ms: number },
): Promise<number> {
  calls ??= await prepare();
  const perform = calls[call];
  if (!perform) throw new Error(`No such call: ${call}`);
  const start = now();
  let done = 0;
  for (;;) {
    for (let i = 0; i < 500; i++) await perform(i);
    done += 500;
    const elapsed = now() - start;
    if (elapsed >= ms) return (elapsed * 1e6) / done;
  }
}

async function prepare(): Promise<Record<string, Call>> {
  @Module({ imports: [LockingModule.forRoot()], providers: [DecoratedService] })
  class InMemoryModule {}
  const app = await NestFactory.createApplicationContext(InMemoryModule, { logger: ['error', 'warn'] });
  const locking = app.get(LockingService);
  const service = app.get(DecoratedService);
  let jobs = 0;
  const job = async (): Promise<number> => Promise.resolve(++jobs);
  const prepared: Record<string, Call> = {
    execute: async (i) => locking.execute(`key-${String(i)}`, job),
    job,
    decorated: async (i) => service.locked(i),
    bare: async (i) => service.bare(i),
  };
  // Warms up the compiler.
  for (const call of Object.values(prepared)) for (let i = 0; i < 10_000; i++) await call(i);
  return prepared;
}
