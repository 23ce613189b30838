// @ts-check
/**
 * Measures how much the heap of one process grows with many locks and many waiters. Run it with --expose-gc.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LockingModule, LockingService, RedisLockingProvider } from 'nestjs-locking';

const LOCKS = 100_000;
const WAITERS = 10_000;

class App {}
const options = { redisUrl: process.env.REDIS_URL ?? '', expire: /** @type {const} */ ('5m') };
Module({ imports: [LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options }] })] })(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
const locking = app.get(LockingService);

function heap() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** @param {(key: string) => Promise<unknown>} call */
async function onEachKey(call) {
  for (let start = 0; start < LOCKS; start += 1000) {
    await Promise.all(Array.from({ length: 1000 }, async (_, index) => call(`key:${start + index}`)));
  }
}

await onEachKey((key) => locking.execute(key, () => undefined));
const before = heap();

/** @type {import('nestjs-locking').Lock[]} */
let locks = [];
await onEachKey(async (key) => locks.push(await locking.acquire(key)));
const perLock = (heap() - before) / LOCKS;
const answered = locks.every(({ held }) => held) && (await locking.execute('another', () => true));

const withLocks = heap();
const waits = Array.from({ length: WAITERS }, async () =>
  locking.execute('key:0', () => 1, { timeout: '10m', reentrant: false }),
);
await locking.inspect('key:0');
const perWaiter = (heap() - withLocks) / WAITERS;

await locks[0]?.release();
const served = (await Promise.all(waits)).length;
await Promise.all(locks.map(async (lock) => lock.release()));
locks = [];
waits.length = 0;
await new Promise((resolve) => setTimeout(resolve, 100));
const left = heap() - before;
await app.close();
process.stdout.write(JSON.stringify({ perLock, perWaiter, answered, served, left }));
