import { afterEach, describe } from '@jest/globals';
import { Module, type INestApplicationContext, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { randomUUID } from 'node:crypto';
import {
  getLeaderElectionToken,
  InMemoryLockingProvider,
  LockingModule,
  LockingService,
  MemoryLockStore,
  PostgresLockingProvider,
  RedisLockingProvider,
  type LeaderElection,
  type LeaderElectionOptions,
  type LockingProviderDefinition,
} from '../../../lib/index.js';
import { LogCapture } from '../../support/log-capture.js';
import { eventually } from '../../support/poll.js';
import { usePostgresServer } from '../../support/postgres.js';
import { useRedisServer } from '../../support/redis.js';

/** Short, so that tests are quick, but long enough for a busy machine to renew in time. */
export const TIMEOUT = 1200;
export const HEARTBEAT = 200;

/** An election with short times. */
export const short = (more: Partial<LeaderElectionOptions> = {}): LeaderElectionOptions => ({
  name: 'e',
  heartbeatInterval: `${HEARTBEAT}ms`,
  leaderTimeout: `${TIMEOUT}ms`,
  ...more,
});

/** One instance of an application. */
export interface Instance {
  readonly app: INestApplicationContext;
  readonly locking: LockingService;
  readonly log: LogCapture;
  /** The election of this name, `e` without one. */
  readonly election: (name?: string) => LeaderElection;
}

export interface ElectionStore {
  /** An instance with these elections; its providers may be decorated. It is closed after the test. */
  open(leaders?: readonly LeaderElectionOptions[], metadata?: ModuleMetadata): Promise<Instance>;
  /** The provider of such an instance, for the modules of a test. */
  provider(): LockingProviderDefinition;
}

/** Runs the same cases on every store. */
export function onEveryStore(cases: (store: ElectionStore) => void): void {
  describe('in memory', () => {
    let store = new MemoryLockStore();
    const provider = () => ({ resolve: InMemoryLockingProvider, options: { store } });
    cases(storeOf(provider, () => (store = new MemoryLockStore())));
  });

  describe('on Redis', () => {
    const redis = useRedisServer();
    let namespace = `${randomUUID()}:`;
    const provider = () => ({ resolve: RedisLockingProvider, options: { redisUrl: redis.url, namespace } });
    cases(storeOf(provider, () => (namespace = `${randomUUID()}:`)));
  });

  describe('on PostgreSQL', () => {
    const postgres = usePostgresServer();
    let namespace = `${randomUUID()}:`;
    const provider = () => ({
      resolve: PostgresLockingProvider,
      options: { connectionString: postgres.url, namespace },
    });
    cases(storeOf(provider, () => (namespace = `${randomUUID()}:`)));
  });
}

function storeOf(provider: () => LockingProviderDefinition, renew: () => void): ElectionStore {
  const start = useInstances();
  afterEach(renew);
  return {
    provider,
    open: async (leaders = [short()], metadata = {}) =>
      start({
        ...metadata,
        imports: [
          LockingModule.forRoot({ providers: [provider()] }),
          LockingModule.forFeature({ leaders }),
          ...(metadata.imports ?? []),
        ],
      }),
  };
}

/** Starts instances of applications, and closes them after each test. */
export function useInstances(): (metadata: ModuleMetadata) => Promise<Instance> {
  const running: INestApplicationContext[] = [];
  // One log for all, as Nest has one logger for all applications of a process.
  let log = new LogCapture();
  afterEach(async () => {
    await Promise.all(running.splice(0).map(async (app) => app.close()));
    log = new LogCapture();
  });
  return async (metadata) => {
    @Module(metadata)
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, { logger: log, abortOnError: false });
    running.push(app);
    return {
      app,
      log,
      locking: app.get(LockingService),
      election: (name = 'e') => app.get<LeaderElection>(getLeaderElectionToken(name)),
    };
  };
}

/** Resolves with the one of `instances` that leads, once one does. */
export async function leaderOf(instances: readonly Instance[], within?: number): Promise<Instance> {
  let leader: Instance | undefined;
  await eventually(() => {
    leader = instances.find((each) => each.election().isLeader());
    return leader !== undefined;
  }, within);
  return leader!;
}

/** The log messages of all instances of a test about elections. */
export function said({ log }: Instance, level: string): string[] {
  return log.lines
    .filter((line) => line.level === level && line.parts.includes('LeaderElection'))
    .map(({ text }) => text);
}

/** Resolves once `count` instances wait for the leadership. */
export async function untilWaiting({ locking }: Instance, count: number, name = 'e'): Promise<void> {
  await eventually(async () => (await locking.inspect(`leader:${name}`))?.waiters === count);
}
