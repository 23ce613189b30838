import 'reflect-metadata';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LockingModule, LockingService, RedisLockingProvider } from 'nestjs-locking';
import type { Contender } from './contender.js';

/** A Nest application with this library, as its README sets it up. */
export async function openNestjsLocking(url: string): Promise<Contender> {
  const app = await openLockingApplication(url);
  const locking = app.get(LockingService);
  return {
    run: locking.execute.bind(locking),
    acquire: async (key) => locking.acquire(key),
    close: async () => app.close(),
  };
}

export async function openLockingApplication(redisUrl: string): Promise<INestApplicationContext> {
  @Module({
    imports: [
      LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl, failFast: true } }] }),
    ],
  })
  class BenchModule {}
  return NestFactory.createApplicationContext(BenchModule, { logger: ['error', 'warn'], abortOnError: false });
}
