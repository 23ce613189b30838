import { ShutdownSignal, type INestApplicationContext, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

/** Starts one instance. SIGINT and SIGTERM end the process; its files go on in other instances. */
export async function startInstance(logger: LogLevel[] | false): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger, abortOnError: false });
  app.enableShutdownHooks([ShutdownSignal.SIGINT, ShutdownSignal.SIGTERM], { useProcessExit: true });
  return app;
}
