import { ShutdownSignal, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

type StartOptions = Pick<NestApplicationOptions, 'logger' | 'abortOnError'>;

/** Starts the shop. SIGINT and SIGTERM let running orders finish, release their locks and then end the process. */
export async function startApp(port: number, logger: StartOptions['logger']): Promise<string> {
  // Without abortOnError: false, Nest would end the process itself and hide why.
  const options: StartOptions = { logger, abortOnError: false };
  const app = await NestFactory.create(AppModule, options);
  app.enableShutdownHooks([ShutdownSignal.SIGINT, ShutdownSignal.SIGTERM], { useProcessExit: true });
  await app.listen(port, '127.0.0.1');
  return app.getUrl();
}
