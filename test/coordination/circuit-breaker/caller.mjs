// @ts-check
/** One instance of an application that calls a service through a circuit. It reports what each call comes to. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CircuitBreakerState, LockingModule, RedisLockingProvider } from 'nestjs-locking';

const redisUrl = process.env.REDIS_URL ?? '';
/** @type {import('nestjs-locking').CircuitBreakerOptions} */
const options = JSON.parse(process.env.OPTIONS ?? '{}');

class App {}
Module({ imports: [LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl } }] })] })(
  App,
);

const app = await NestFactory.createApplicationContext(App, { logger: false });
const circuits = app.get(CircuitBreakerState);

/** @param {object} message */
const report = (message) => process.send?.(message);

/** Ends the call that hangs. @type {(error?: Error) => void} */
let end = () => undefined;

/** @param {string} how */
async function service(how) {
  if (how === 'fail') throw new Error('the service is down');
  if (how !== 'hang') return;
  report({ hangs: true });
  await new Promise((resolve, reject) => {
    end = (error) => (error ? reject(error) : resolve(undefined));
  });
}

/** @param {string} how */
async function call(how) {
  const outcome = await circuits
    .execute('stripe', async () => service(how), options)
    .then(
      () => 'ran',
      (/** @type {Error} */ error) => error.name,
    );
  if (how === 'hang' && outcome === 'CircuitOpenError') report({ hangs: false });
  else report({ called: how, outcome });
}

process.on('message', (/** @type {{ do: string, how: string }} */ { do: order, how }) => {
  if (order === 'call') void call(how);
  if (order === 'end') end(how === 'fail' ? new Error('the service is down') : undefined);
  if (order === 'state') {
    void circuits.getState('stripe', options).then(({ state, scope }) => report({ state: `${scope} ${state}` }));
  }
  if (order === 'close') void app.close().then(() => process.disconnect());
});
report({ ready: true });
