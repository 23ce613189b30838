// @ts-check
/**
 * The long run: `npm run soak -- --minutes 10 --keys 1000000`. Two applications lock a million keys once each, one
 * after another and at once, contend for a few, time out, abort, lock several keys, share owners. Nothing may be left
 * after it: no entry in any map of the engines, no timer, no key in Redis except the counter, and the heap at its
 * former size.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { LockingModule, LockingService, RedisLockingProvider } from 'nestjs-locking';
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startRedisServer } from '../../tools/redis-server/index.mjs';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, keys: { type: 'string', default: '1000000' } },
});
const keys = Number(values.keys);
const lasts = Number(values.minutes) * 60_000;

/** @param {string} redisUrl */
async function start(redisUrl) {
  class App {}
  Module({
    imports: [LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl } }] })],
  })(App);
  return NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
}

/** The sizes of the collections inside an engine. @param {any} service */
function insideOf(service) {
  const { parts, shutdown } = service.registry.engine();
  const { leases, queues, renewer, retry, calls, poller, limits, host } = parts;
  return {
    leases: leases.all().length,
    queues: queues.queues.size,
    watched: renewer.watches.size,
    retries: retry.size,
    calls: calls.pending.size,
    polled: poller.polled.size,
    polledHeldKeys: host.heldKeys.polls.size,
    deadlines: limits.deadlines.size,
    running: shutdown.running,
  };
}

function heap() {
  for (let round = 0; round < 4; round += 1) globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

/** @param {() => Promise<unknown>} call @param {string[]} codes */
async function expecting(call, ...codes) {
  try {
    await call();
  } catch (error) {
    const { code } = /** @type {{ code?: string }} */ (error);
    if (!codes.includes(code ?? '')) throw error;
  }
}

const server = await startRedisServer();
const redis = new Redis(server.url);
const apps = [await start(server.url), await start(server.url)];
const services = apps.map((app) => app.get(LockingService));
const job = () => Promise.resolve();
let once = 0;
let contended = 0;

/** Makes calls beside the main load, some of which fail. @param {number} n */
async function disturb(n) {
  const [one, two] = n % 2 ? services : [...services].reverse();
  assert(one && two);
  const hot = `hot:${n % 5}`;
  const abort = new AbortController();
  const work = [
    one.execute(hot, job, { timeout: '20s' }),
    two.execute(hot, job, { timeout: '20s' }),
    one.execute([hot, 'several', `hot:${(n + 1) % 5}`], job, { timeout: '20s' }),
    expecting(() => two.execute(hot, () => delay(1), { timeout: '1ms' }), 'LOCK_TIMEOUT', 'LOCK_BACKEND'),
    expecting(() => one.execute(hot, job, { signal: abort.signal }), 'ABORTED'),
    two.execute(`owned:${n % 3}`, job, { ownerId: `owner:${n % 2}`, timeout: '20s' }),
    two.execute(`short:${n % 3}`, job, { expire: '2s', renew: false, timeout: '20s' }),
    two.tryAcquire(hot).then((lock) => lock?.release()),
  ];
  if (n % 3 === 0) abort.abort(Object.assign(new Error('aborted'), { code: 'ABORTED' }));
  await Promise.all(work);
  contended += work.length;
}

const begun = performance.now();
const samples = [];
const batch = 100;
while (once < keys || performance.now() - begun < lasts) {
  const service = services[((once / batch) % 2) | 0];
  assert(service);
  if (once < keys) {
    const from = once;
    await Promise.all(Array.from({ length: batch }, (_, index) => service.execute(`once:${from + index}`, job)));
    once += batch;
  }
  await disturb(once / batch + contended);
  // Spreads the keys over the duration.
  const due = once < keys ? (once / keys) * lasts : performance.now() - begun + 5;
  const wait = due - (performance.now() - begun);
  if (wait > 2) await delay(wait);
  if (samples.length < ((performance.now() - begun) / lasts) * 10) {
    samples.push(heap());
    console.log(
      `${(performance.now() / 60_000).toFixed(1)} min: ${once} keys once, ${contended} calls in contention, heap ${samples.at(-1)?.toFixed(1)} MiB`,
    );
  }
}
await delay(6000);
const inside = services.map(insideOf);
const resources = process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate');
const left = await redis.keys('*');
console.log('inside the engines:', JSON.stringify(inside));
console.log(
  'timers:',
  resources.length,
  ' keys in Redis:',
  left.join(', '),
  ' heap:',
  samples.map((size) => size.toFixed(1)).join(' '),
);
for (const sizes of inside) for (const [name, size] of Object.entries(sizes)) assert.equal(size, 0, `${name} left`);
assert.deepEqual(resources, [], 'timers left');
assert.deepEqual(left, ['lock:nestjs-locking:fence']);
const [first = 0] = samples.slice(1);
assert.ok((samples.at(-1) ?? 0) < first + 8, `the heap grew from ${first} to ${samples.at(-1)} MiB`);
redis.disconnect();
for (const app of apps) await app.close();
await server.stop();
console.log('Nothing is left.');
