// @ts-check
/**
 * One worker process of the tests: it runs the payments of the queue `QUEUE`, each under the lock of its customer. It
 * reports when one begins, waits for an order to go on, and writes with its fencing token.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { LockingModule, LockingService, RedisLockingProvider } from 'nestjs-locking';
import { lockedProcessor } from 'nestjs-locking/bullmq';

const { REDIS_URL: redisUrl = '', QUEUE = '', MAX_STALLED } = process.env;

class App {}
Module({
  imports: [LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl } }] })],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error'] });
const locking = app.get(LockingService);
const redis = new Redis(redisUrl);

/** Writes, unless a newer token has been seen. */
const WRITE = `
  if tonumber(ARGV[1]) < tonumber(redis.call('hget', KEYS[1], 'token') or 0) then return 0 end
  redis.call('hset', KEYS[1], 'token', ARGV[1], 'by', ARGV[2])
  return 1`;

/** @param {object} message */
const report = (message) => process.send?.(message);

const worker = new Worker(
  QUEUE,
  lockedProcessor(
    locking,
    'customer:<0.data.customer>',
    async (job, _token, signal) => {
      const fencingToken = locking.current()?.fencingToken ?? 0;
      report({ begun: job.data.id, fencingToken, attemptsStarted: job.attemptsStarted });
      if (job.data.waits) await new Promise((resolve) => process.once('message', resolve));
      // The timers of this process have run since.
      await delay(1);
      const write = await redis.eval(WRITE, 1, `account:${job.data.customer}`, fencingToken, process.pid);
      report({ wrote: job.data.id, accepted: write === 1, aborted: signal.aborted });
    },
    { expire: '6s', retryDelay: '200ms' },
  ),
  {
    connection: { url: redisUrl },
    lockDuration: 2000,
    stalledInterval: 300,
    drainDelay: 1,
    // An empty text leaves the option out: BullMQ's own default.
    ...(MAX_STALLED && { maxStalledCount: Number(MAX_STALLED) }),
  },
);
worker.on('error', (error) => report({ error: error.message }));

const commands = {
  go() {
    // Any message ends the wait of the job.
  },
  async close() {
    await worker.close();
    redis.disconnect();
    await app.close();
    process.disconnect();
  },
};

process.on('message', (/** @type {{ do: keyof typeof commands }} */ message) => void commands[message.do]());
await worker.waitUntilReady();
report({ ready: true });
