import { afterEach, describe } from '@jest/globals';
import type { INestApplicationContext, Provider } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
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
} from '../../../../lib/index.js';
import { useApplications } from '../../../support/applications.js';
import { LogCapture } from '../../../support/log-capture.js';
import { usePostgresServer } from '../../../support/postgres.js';
import { useRedisServer } from '../../../support/redis.js';

export interface Instance {
  readonly app: INestApplicationContext;
  readonly locking: LockingService;
  readonly log: LogCapture;
}

/** Starts instances of one application: they share a store, which is empty at the start of each test. */
export type StartInstance = (providers: Provider[], options?: LockingProviderOptions) => Promise<Instance>;

/** Runs the same tests on every store. */
export function onEveryStore(tests: (start: StartInstance) => void): void {
  describe('in memory', () => {
    let store = new MemoryLockStore();
    afterEach(() => {
      store = new MemoryLockStore();
    });
    tests(useInstances((options) => ({ resolve: InMemoryLockingProvider, options: { ...options, store } })));
  });

  describe('on Redis', () => {
    const redis = useRedisServer();
    let namespace = `${randomUUID()}:`;
    afterEach(() => {
      namespace = `${randomUUID()}:`;
    });
    tests(
      useInstances((options) => ({
        resolve: RedisLockingProvider,
        options: { ...options, redisUrl: redis.url, namespace },
      })),
    );
  });

  describe('on PostgreSQL', () => {
    const postgres = usePostgresServer();
    let namespace = `${randomUUID()}:`;
    afterEach(() => {
      namespace = `${randomUUID()}:`;
    });
    tests(
      useInstances((options) => ({
        resolve: PostgresLockingProvider,
        options: { ...options, connectionString: postgres.url, namespace },
      })),
    );
  });
}

export function useInstances(use: (options?: LockingProviderOptions) => LockingProviderDefinition): StartInstance {
  const applications = useApplications();
  return async (providers, options) => {
    const log = new LogCapture();
    const locks = LockingModule.forRoot({ providers: [use(options)] });
    const app = await applications.start({ imports: [ScheduleModule.forRoot(), locks], providers }, log);
    return { app, locking: app.get(LockingService), log };
  };
}
