import { ShutdownSignal, type INestApplicationContext, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

/** Starts one worker. SIGINT and SIGTERM let running payments finish, hand the leadership over and end the process. */
export async function startWorker(logger: LogLevel[] | false): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger, abortOnError: false });
  app.enableShutdownHooks([ShutdownSignal.SIGINT, ShutdownSignal.SIGTERM], { useProcessExit: true });
  return app;
}
