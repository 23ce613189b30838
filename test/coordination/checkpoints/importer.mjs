// @ts-check
/** One instance of an import that several instances try to run. It reports each row, and goes on with the next import when it is told. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { LockingModule, LockingService, RedisLockingProvider } from 'nestjs-locking';

const redisUrl = process.env.REDIS_URL ?? '';
const ROWS = Number(process.env.ROWS);

class App {}
Module({
  imports: [
    LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl, expire: '1s' } }] }),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
const locking = app.get(LockingService);
const redis = new Redis(redisUrl);

/** @param {object} message */
const report = (message) => process.send?.(message);

async function run() {
  await locking.execute(
    'import',
    async (lock) => {
      const checkpoints = lock.checkpoints();
      const latest = await checkpoints.loadLatest();
      let next = latest ? /** @type {{ next: number }} */ (latest.data).next : 0;
      report({ begins: next });
      for (; next < ROWS; next += 1) {
        await redis.rpush('imported', next);
        await checkpoints.save({ next: next + 1 });
        report({ saved: next });
      }
    },
    { timeout: '60s' },
  );
}

process.on('message', (/** @type {{ do: string }} */ { do: order }) => {
  if (order === 'run') {
    run().then(
      () => report({ done: true }),
      (/** @type {Error} */ error) => report({ failed: error.name, message: error.message }),
    );
  }
  if (order === 'close') {
    redis.disconnect();
    void app.close().then(() => process.disconnect());
  }
});
report({ ready: true });
