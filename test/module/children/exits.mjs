// Starts an application with the options of the test, and must end by itself: `node exits.mjs '{"redisUrl": …, …}'`.
import { performance } from 'node:perf_hooks';
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  InMemoryLockingProvider,
  LockingModule,
  LockingService,
  RedisLockingProvider,
} from '../../../dist/esm/index.js';

const { options, hold, wait, close } = JSON.parse(process.argv[2] ?? '{}');
const resolve = options.redisUrl === undefined ? InMemoryLockingProvider : RedisLockingProvider;

class AppModule {}
Module({ imports: [LockingModule.forRoot({ providers: [{ resolve, options }] })] })(AppModule);

let since = 0;
process.on('exit', () => {
  console.log(performance.now() - since < 1000 ? 'ended at once' : 'stayed on');
});

try {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  const locking = app.get(LockingService);
  if (hold) console.log('held', (await locking.acquire('held', { expire: '10m', renew: true })).held);
  if (wait) void locking.acquire('held', { timeout: '10m' }).catch(({ code }) => console.log('waiter', code));
  if (close) await app.close();
  console.log('end of the script');
} catch (error) {
  console.log('failed', error.code);
}
since = performance.now();
