import { afterEach, describe } from '@jest/globals';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { randomUUID } from 'node:crypto';
import {
  InMemoryLockingProvider,
  LockingModule,
  LockingService,
  MemoryLockStore,
  PostgresLockingProvider,
  RedisLockingProvider,
  type LockingProviderDefinition,
  type LockingProviderOptions,
} from '../../lib/index.js';
import { usePostgresServer } from './postgres.js';
import { useRedisServer } from './redis.js';

/** Starts applications with locks on a store that is empty at the start of each test. */
export interface StoreUnderTest {
  /** An application instance; several of one test share the store. They are closed after it. */
  open(options?: LockingProviderOptions, instanceId?: string): Promise<LockingService>;
  /** Like `open`, but returns the application. */
  openApplication(options?: LockingProviderOptions, instanceId?: string): Promise<INestApplicationContext>;
}

@Module({})
class RootModule {}

/** Runs the same tests on every store. */
export function onEveryStore(tests: (store: StoreUnderTest) => void): void {
  describe('in memory', () => {
    let store = new MemoryLockStore();
    const use = (options?: LockingProviderOptions) => ({
      resolve: InMemoryLockingProvider,
      options: { ...options, store },
    });
    tests(
      storeOf(use, () => {
        store = new MemoryLockStore();
      }),
    );
  });

  describe('on Redis', () => {
    const redis = useRedisServer();
    let namespace = `${randomUUID()}:`;
    const use = (options?: LockingProviderOptions) => ({
      resolve: RedisLockingProvider,
      options: { ...options, redisUrl: redis.url, namespace },
    });
    tests(
      storeOf(use, () => {
        namespace = `${randomUUID()}:`;
      }),
    );
  });

  describe('on PostgreSQL', () => {
    const postgres = usePostgresServer();
    let namespace = `${randomUUID()}:`;
    const use = (options?: LockingProviderOptions) => ({
      resolve: PostgresLockingProvider,
      options: { ...options, connectionString: postgres.url, namespace },
    });
    tests(
      storeOf(use, () => {
        namespace = `${randomUUID()}:`;
      }),
    );
  });
}

/** Applications on the provider that `use` returns; `renew` is called after each test, when they are closed. */
export function storeOf(
  use: (options?: LockingProviderOptions) => LockingProviderDefinition,
  renew: () => void,
): StoreUnderTest {
  let applications: INestApplicationContext[] = [];

  afterEach(async () => {
    await Promise.all(applications.map((application) => application.close()));
    applications = [];
    renew();
  });

  const openApplication = async (
    options?: LockingProviderOptions,
    instanceId?: string,
  ): Promise<INestApplicationContext> => {
    const imports = [LockingModule.forRoot({ providers: [use(options)], instanceId })];
    const application = await NestFactory.createApplicationContext(
      { module: RootModule, imports },
      { logger: ['error', 'warn'], abortOnError: false },
    );
    applications.push(application);
    return application;
  };
  return { openApplication, open: async (...about) => (await openApplication(...about)).get(LockingService) };
}
