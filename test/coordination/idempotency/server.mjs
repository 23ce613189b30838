// @ts-check
/** One instance of an application that charges payments by HTTP. A charge goes on when the test says so. */
import 'reflect-metadata';
import { Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { Idempotent, LockingModule, RedisLockingProvider } from 'nestjs-locking';

const redisUrl = process.env.REDIS_URL ?? '';
const redis = new Redis(redisUrl);
const holds = process.env.HOLDS === 'true';

/** @param {object} message */
const report = (message) => process.send?.(message);

/** @type {() => void} */
let goOn = () => undefined;

class Payments {
  async charge() {
    await redis.rpush('charged', process.pid);
    report({ begun: true });
    if (holds) await new Promise((resolve) => (goOn = () => resolve(undefined)));
    return { by: process.pid };
  }

  async chargeOnce() {
    return this.charge();
  }
}
Controller()(Payments);

/**
 * @param {'charge' | 'chargeOnce'} name
 * @param {MethodDecorator[]} decorators
 */
function decorate(name, decorators) {
  for (const decorator of decorators) {
    const descriptor = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(Payments.prototype, name));
    decorator(Payments.prototype, name, descriptor);
    Object.defineProperty(Payments.prototype, name, descriptor);
  }
}
decorate('charge', [Idempotent({ wait: '60s' }), Post('charge')]);
decorate('chargeOnce', [Idempotent({ wait: '60s', onAbandoned: 'reject' }), Post('charge-once')]);

class App {}
Module({
  imports: [
    LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl, expire: '1s' } }] }),
  ],
  controllers: [Payments],
})(App);

const app = await NestFactory.create(App, { logger: false, forceCloseConnections: true });
await app.listen(0, '127.0.0.1');

process.on('message', (/** @type {{ do: string }} */ { do: order }) => {
  if (order === 'goOn') goOn();
  if (order === 'close') {
    redis.disconnect();
    void app.close().then(() => process.disconnect());
  }
});
report({ url: await app.getUrl() });
report({ ready: true });
