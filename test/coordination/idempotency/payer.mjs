// @ts-check
/** One instance of a service that charges payments once per key. It reports when a charge begins, and how each call ended. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { IdempotencyService, LockingModule, PostgresLockingProvider, RedisLockingProvider } from 'nestjs-locking';

const redisUrl = process.env.REDIS_URL ?? '';
const connectionString = process.env.POSTGRES_URL;

class App {}
Module({
  imports: [
    LockingModule.forRoot({
      providers: connectionString
        ? [{ resolve: PostgresLockingProvider, options: { connectionString, expire: '1s' } }]
        : [{ resolve: RedisLockingProvider, options: { redisUrl, expire: '1s' } }],
    }),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
const idempotency = app.get(IdempotencyService);
const redis = new Redis(redisUrl);
const paid = 'charged';

/** @param {object} message */
const report = (message) => process.send?.(message);

/** @type {() => void} */
let goOn = () => undefined;

/** @param {{ id: string, hold?: boolean, onAbandoned?: 'rerun' | 'reject', wait?: '60s' }} order */
async function charge({ id, hold, onAbandoned, wait }) {
  return idempotency.run(
    id,
    { id },
    async ({ attempt }) => {
      await redis.rpush(paid, id);
      report({ begun: id, attempt });
      if (hold) await new Promise((resolve) => (goOn = () => resolve(undefined)));
      return { by: process.pid };
    },
    { onAbandoned, wait },
  );
}

process.on('message', (/** @type {any} */ { do: order, ...options }) => {
  if (order === 'charge') {
    charge(options).then(
      (result) => report({ answered: options.id, result }),
      (/** @type {any} */ error) =>
        report({ answered: options.id, failed: error.name, reason: error.reason, message: error.message }),
    );
  }
  if (order === 'goOn') goOn();
  if (order === 'close') {
    redis.disconnect();
    void app.close().then(() => process.disconnect());
  }
});
report({ ready: true });
