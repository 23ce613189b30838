import { afterEach } from '@jest/globals';
import { Module, type INestApplicationContext, type LoggerService, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  LockingModule,
  LockingService,
  RedisLockingProvider,
  type LockingModuleOptions,
  type RedisLockingProviderOptions,
} from '../../lib/index.js';
import { LogCapture } from './log-capture.js';

@Module({})
class AppModule {}

export interface StartedApplication {
  readonly app: INestApplicationContext;
  readonly locking: LockingService;
  readonly log: LogCapture;
}

export interface Applications {
  /** An application of this `metadata`. A start that fails rejects with its cause. */
  start(metadata: ModuleMetadata, logger?: LoggerService): Promise<INestApplicationContext>;
  /** An application with these options of the LockingModule. */
  withLocks(options?: LockingModuleOptions): Promise<StartedApplication>;
  /** An application that locks on Redis only. */
  onRedis(options: RedisLockingProviderOptions): Promise<StartedApplication>;
}

/** Starts Nest applications for the tests of a file, and closes them after each test. */
export function useApplications(): Applications {
  const running: INestApplicationContext[] = [];

  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.close()));
  });

  const start = async (
    metadata: ModuleMetadata,
    logger: LoggerService = new LogCapture(),
  ): Promise<INestApplicationContext> => {
    const root = { ...metadata, module: AppModule };
    const app = await NestFactory.createApplicationContext(root, { logger, abortOnError: false });
    running.push(app);
    return app;
  };

  const withLocks = async (options?: LockingModuleOptions): Promise<StartedApplication> => {
    const log = new LogCapture();
    const app = await start({ imports: [LockingModule.forRoot(options)] }, log);
    return { app, log, locking: app.get(LockingService) };
  };

  return {
    start,
    withLocks,
    onRedis: (options) => withLocks({ providers: [{ resolve: RedisLockingProvider, options }] }),
  };
}
