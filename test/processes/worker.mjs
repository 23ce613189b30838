// @ts-check
/**
 * One application process of the tests. It follows the messages of its parent, and reports each step.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cluster, Redis } from 'ioredis';
import { setImmediate as turn } from 'node:timers/promises';
import { LockingModule, LockingService, RedisLockingProvider } from 'nestjs-locking';

const redisUrl = process.env.REDIS_URL ?? '';
const nodes = process.env.REDIS_NODES ? JSON.parse(process.env.REDIS_NODES) : undefined;

class App {}
Module({
  imports: [
    LockingModule.forRoot({
      providers: [{ resolve: RedisLockingProvider, options: nodes ? { cluster: { nodes } } : { redisUrl } }],
    }),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
const locking = app.get(LockingService);
const redis = nodes ? new Cluster(nodes) : new Redis(redisUrl);

/** @param {object} message */
const report = (message) => process.send?.(message);

/** Reads, computes and writes in three steps: an update is lost whenever two processes do so at once. */
async function increment() {
  const before = Number((await redis.get('counter')) ?? 0);
  await turn();
  await redis.set('counter', before + 1);
}

const commands = {
  /** @param {{ times: number; locked: boolean }} command */
  async count({ times, locked }) {
    const step = locked ? () => locking.execute('counter', increment, { timeout: '50s' }) : increment;
    await Promise.all(Array.from({ length: times }, step));
    report({ done: 'count' });
  },

  async tell() {
    report({ counter: Number(await redis.get('counter')) });
  },

  /** @param {{ key: string; expire: `${number}ms`; timeout?: `${number}s`; singleton?: boolean }} command */
  async hold({ key, expire, timeout, singleton }) {
    /** @param {import('nestjs-locking').Lock} lock */
    const job = async (lock) => {
      report({ holds: key, token: lock.fencingToken });
      await new Promise((resolve) => process.once('message', resolve));
      report({ awake: key, held: lock.held, remaining: lock.remaining });
      return 'ran';
    };
    try {
      const result = await (singleton
        ? locking.singleton(key, job, { expire })
        : locking.execute(key, job, { expire, timeout }));
      report({ ended: key, ...(singleton && { result }) });
    } catch (error) {
      report({ ended: key, code: /** @type {{ code?: string }} */ (error).code });
    }
  },

  async close() {
    redis.disconnect();
    await app.close();
    process.disconnect();
  },

  async wake() {
    // Any message ends the wait of the job.
  },
};

process.on('message', (/** @type {{ do: keyof typeof commands } & any} */ message) => {
  void commands[message.do](message);
});
report({ ready: true });
