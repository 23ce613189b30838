// @ts-check
/** Runs in a folder with a minified copy of the package and of ioredis; prints what it finds. */
import { createRequire } from 'node:module';

// As in a bundle: nothing is found by the names of exports.
const require = createRequire(import.meta.url);
require('reflect-metadata');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { Redis } = require('ioredis');
const locks = require('./lib/index.js');

const { LockingModule, LockingService, RedisLockingProvider, StoreNotReachedError } = locks;
/** @type {string[]} */
const warnings = [];
const logger = {
  log() {},
  error() {},
  debug() {},
  verbose() {},
  warn: (/** @type {string} */ text) => warnings.push(text),
};

/** @param {object} options */
async function start(options) {
  class App {}
  Module({ imports: [LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options }] })] })(App);
  const app = await NestFactory.createApplicationContext(App, { logger });
  return { app, locking: app.get(LockingService) };
}

/** @param {Promise<unknown>} promise */
const nameOf = (promise) =>
  promise.then(
    () => 'nothing',
    (/** @type {Error} */ error) => error.name,
  );

async function main() {
  const redisUrl = process.argv[2] ?? '';
  const raw = new Redis(redisUrl);
  // A user with all permissions except to subscribe and to name connections.
  await raw.acl('SETUSER', 'locks', 'on', '>secret', '~*', 'resetchannels', '+@all', '-client|kill', '-client|info');
  const url = redisUrl.replace('//', '//locks:secret@');
  const [holder, waiter] = [await start({ redisUrl: url }), await start({ redisUrl: url })];
  const names = {
    timeout: await holder.locking.execute('k', () => nameOf(waiter.locking.acquire('k', { timeout: '2s' }))),
    key: await nameOf(Promise.resolve().then(() => holder.locking.acquire(''))),
    configuration: await nameOf(Promise.resolve().then(() => holder.locking.acquire('k', { timeout: 'never' }))),
    lost: '',
    backend: '',
    notReached: new StoreNotReachedError('x').name,
  };
  // Long enough to notice a loop of connections.
  const before = Number(/total_connections_received:(\d+)/.exec(await raw.info('stats'))?.[1]);
  await holder.locking.execute('l', () => nameOf(waiter.locking.acquire('l', { timeout: '2s' })));
  const connections = Number(/total_connections_received:(\d+)/.exec(await raw.info('stats'))?.[1]) - before;
  const lock = await holder.locking.acquire('m');
  const aborted = new Promise((resolve) =>
    lock.signal.addEventListener('abort', () => resolve(lock.signal.reason.name)),
  );
  await holder.locking.forceRelease('m');
  names.lost = String(await aborted);
  // The server refuses the lock; the answer must not count as a lost connection.
  await raw.config('SET', 'maxmemory', '1');
  await holder.locking.acquire('n').catch((error) => {
    names.backend = error.name;
    console.log(JSON.stringify({ refusal: error.message, cause: error.cause?.name }));
  });
  await raw.config('SET', 'maxmemory', '0');
  // The connection is lost in the middle of a call.
  await raw.client('PAUSE', 5000, 'WRITE');
  const broken = holder.locking.acquire('o', { timeout: '4s' }).catch((error) => error.message);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  const lost = await broken;
  await raw.client('UNPAUSE');
  await Promise.all([holder.app.close(), waiter.app.close()]);
  raw.disconnect();
  console.log(
    JSON.stringify({ names, connections, lost, warnings, minified: new Redis({ lazyConnect: true }).constructor.name }),
  );
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
