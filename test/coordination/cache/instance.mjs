// @ts-check
/** One of several instances with a cache on Redis. It asks for a value very often, and reports what it got. */
import KeyvRedis from '@keyv/redis';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { LockingModule, RedisLockingProvider } from 'nestjs-locking';
import { CacheFlight, CacheFlightModule } from 'nestjs-locking/cache';
import 'reflect-metadata';

const redisUrl = process.env.REDIS_URL ?? '';
const redis = new Redis(redisUrl);
const adapter = new KeyvRedis(redisUrl);
const keyv = new Keyv({ store: adapter });
let name = 'nameless';
let ahead = 0;

/** @type {Promise<unknown>[]} */
const looks = [];
const get = keyv.get.bind(keyv);
keyv.get = /** @type {typeof get} */ (
  async (/** @type {string} */ key) => {
    const look = get(key);
    looks.push(look);
    return look;
  }
);

class App {}
Module({
  imports: [
    LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl } }] }),
    CacheFlightModule.forRoot({
      store: keyv,
      ttl: '1m',
      expire: '1s',
      // The machine may be busy.
      cacheTimeout: '20s',
      timeout: '100s',
      loadTimeout: '100s',
      now: () => Date.now() + ahead,
    }),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
const cache = app.get(CacheFlight);

/** @param {object} message */
const report = (message) => process.send?.(message);

/** Takes until the test says how it is to end. */
async function load() {
  await redis.rpush('loads', name);
  for (;;) {
    const end = await redis.get('end');
    if (end === 'fails') throw new Error('the database is down');
    if (end) return `${end} of ${name}`;
    await delay(10);
  }
}

const commands = {
  /** @param {{ as: string }} command */
  name({ as }) {
    name = as;
    report({ named: as });
  },

  /** @param {{ by: number }} command */
  advance({ by }) {
    ahead += by;
    report({ advanced: by });
  },

  /** @param {{ times: number; staleFor?: `${number}m` }} command */
  async ask({ times, staleFor }) {
    const calls = Array.from({ length: times }, async () => cache.getOrSet('report', load, { staleFor }));
    // Each call looks into the cache at once. From the end of that on all of them wait for the same load.
    await Promise.allSettled(looks.splice(0));
    await turn();
    report({ asked: times });
    /** @type {Record<string, number>} */
    const got = {};
    for (const outcome of await Promise.allSettled(calls)) {
      const text = outcome.status === 'fulfilled' ? outcome.value : `Error: ${outcome.reason.message}`;
      got[text] = (got[text] ?? 0) + 1;
    }
    report({ got });
  },

  async tell() {
    report({ has: (await cache.get('report')) ?? null });
  },

  async close() {
    await app.close();
    redis.disconnect();
    await adapter.disconnect();
    process.disconnect();
  },
};

process.on('message', (/** @type {{ do: keyof typeof commands } & any} */ message) => {
  void commands[/** @type {keyof typeof commands} */ (message.do)](message);
});
report({ ready: true });
