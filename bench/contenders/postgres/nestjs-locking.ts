import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LockingModule, LockingService, PostgresLockingProvider } from 'nestjs-locking';
import type { Contender } from '../contender.js';

/** A Nest application with this library on PostgreSQL. */
export async function openNestjsLocking(connectionString: string): Promise<Contender> {
  const options = { connectionString, failFast: true };
  @Module({ imports: [LockingModule.forRoot({ providers: [{ resolve: PostgresLockingProvider, options }] })] })
  class BenchModule {}
  const app = await NestFactory.createApplicationContext(BenchModule, {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  const locking = app.get(LockingService);
  return {
    run: locking.execute.bind(locking),
    acquire: async (key) => locking.acquire(key),
    close: async () => app.close(),
  };
}
