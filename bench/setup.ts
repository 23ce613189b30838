import { Module, type INestApplicationContext, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { InMemoryLockingProvider, LockingModule, LockingService, RedisLockingProvider } from 'nestjs-locking';
import { startRedisServer } from '../tools/redis-server/index.mjs';
import { DecoratedService } from './decorated.service.js';

/** What the rows are measured with. */
export interface Bench {
  readonly locking: LockingService;
  readonly inMemory: LockingService;
  readonly decorated: DecoratedService;
  /** A connection of its own, for the jobs and for the work without locks. */
  readonly redis: Redis;
  tearDown(): Promise<void>;
}

/** An application with locks in memory and on a Redis that is started for it. */
export async function setUp(): Promise<Bench> {
  const server = await startRedisServer();
  try {
    const app = await startApplication(server.url);
    const redis = new Redis(server.url);
    const locking = app.get(LockingService);
    return {
      locking: locking.provider(RedisLockingProvider.identifier),
      inMemory: locking.provider(InMemoryLockingProvider.identifier),
      decorated: app.get(DecoratedService),
      redis,
      async tearDown() {
        redis.disconnect();
        await app.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function startApplication(redisUrl: string): Promise<INestApplicationContext> {
  @Module({
    imports: [
      LockingModule.forRoot({
        providers: [
          { resolve: InMemoryLockingProvider, is_default: true },
          { resolve: RedisLockingProvider, options: { redisUrl, failFast: true } },
        ],
      }),
    ],
    providers: [DecoratedService],
  })
  class BenchModule {}
  const options: Pick<NestApplicationOptions, 'logger' | 'abortOnError'> = {
    logger: ['error', 'warn'],
    abortOnError: false,
  };
  return NestFactory.createApplicationContext(BenchModule, options);
}
