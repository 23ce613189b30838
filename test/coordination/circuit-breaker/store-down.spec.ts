import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  CircuitBreakerState,
  isCircuitOpenError,
  isLockBackendError,
  RedisLockingProvider,
  type CircuitBreakerOptions,
} from '../../../lib/index.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { useRawRedis } from '../../support/raw-redis.js';
import { storeOf } from '../../support/stores.js';

const OPTIONS = {
  minimumCalls: 2,
  openFor: '100ms',
  minInstances: 1,
  window: '1h',
} as const satisfies CircuitBreakerOptions;

const fails = () => Promise.reject(new Error('the service is down'));
const succeeds = () => Promise.resolve('done');

let warnings: string[] = [];

beforeEach(() => {
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line) => {
    warnings.push(String(line));
  });
  jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a circuit whose store is down', () => {
  const redis = useRawRedis();
  const store = storeOf(
    () => ({ resolve: RedisLockingProvider, options: { redisUrl: redis.url } }),
    () => undefined,
  );
  const open = async () => (await store.openApplication()).get(CircuitBreakerState);

  // SIGKILL: connections are refused. SIGSTOP: nothing is answered.
  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'goes by the calls of each instance, and by the store again when it is back (%s)',
    async (signal) => {
      const [one, two] = [await open(), await open()];
      expect(await one.execute('stripe', succeeds, OPTIONS)).toBe('done');
      expect(await two.execute('stripe', succeeds, OPTIONS)).toBe('done');
      redis.server.kill(signal);
      try {
        const since = performance.now();
        for (let calls = 0; calls < 20; calls += 1) expect(await one.execute('stripe', succeeds, OPTIONS)).toBe('done');
        while (!isCircuitOpenError(await rejectionOf(one.execute('stripe', fails, OPTIONS))));
        // No call has waited for the store, whose silence is noticed after five seconds.
        expect(performance.now() - since).toBeLessThan(4000);
        expect(await two.execute('stripe', succeeds, OPTIONS)).toBe('done');
        // Its own probe, which does not need the store.
        await eventually(
          async () => (await one.execute('stripe', succeeds, OPTIONS).catch(() => '')) === 'done',
          20_000,
        );
        expect(await one.execute('stripe', succeeds, OPTIONS)).toBe('done');
        expect(isLockBackendError(await rejectionOf(one.setState('stripe', 'open', OPTIONS)))).toBe(true);
        expect(await one.getState('stripe', OPTIONS)).toMatchObject({ state: 'closed', storeReached: false });
        expect(warnings.filter((line) => line.includes('"stripe" is not shared at the moment')).length).toBeLessThan(
          10,
        );
        expect(warnings.join('\n')).toContain('"stripe" is not shared at the moment');
      } finally {
        if (signal === 'SIGKILL') await redis.server.restart();
        else redis.server.kill('SIGCONT');
      }
      await eventually(async () => (await one.getState('stripe', OPTIONS)).storeReached, 20_000);
      await eventually(async () => (await two.getState('stripe', OPTIONS)).storeReached, 20_000);
      const changes: string[] = [];
      await two.subscribe('stripe', ({ state }) => changes.push(state), OPTIONS);
      await one.setState('stripe', 'open', { ...OPTIONS, for: '1h' });
      await eventually(() => changes.includes('open'));
      expect(isCircuitOpenError(await rejectionOf(two.execute('stripe', succeeds, OPTIONS)))).toBe(true);
    },
    60_000,
  );

  it('the first call of an instance does not wait long for a store that is silent', async () => {
    const circuits = await open();
    redis.server.kill('SIGSTOP');
    try {
      const since = performance.now();
      expect(await circuits.execute('stripe', succeeds, OPTIONS)).toBe('done');
      expect(performance.now() - since).toBeLessThan(4000);
    } finally {
      redis.server.kill('SIGCONT');
    }
  });

  it('a shared circuit that was open stays open for its time, and is then probed by each instance', async () => {
    const circuits = await open();
    await circuits.setState('stripe', 'open', { ...OPTIONS, for: '2s' });
    redis.server.kill('SIGKILL');
    try {
      expect(isCircuitOpenError(await rejectionOf(circuits.execute('stripe', succeeds, OPTIONS)))).toBe(true);
      await eventually(
        async () => (await circuits.execute('stripe', succeeds, OPTIONS).catch(() => '')) === 'done',
        20_000,
      );
      expect(await circuits.getState('stripe', OPTIONS)).toMatchObject({ state: 'closed', storeReached: false });
    } finally {
      await redis.server.restart();
    }
  });

  it('a circuit goes on after the store was emptied', async () => {
    const [one, two] = [await open(), await open()];
    const options = { ...OPTIONS, openFor: '1h' } as const;
    await one.setState('stripe', 'open', options);
    await redis.raw.flushall();
    await eventually(async () => (await two.execute('stripe', succeeds, options).catch(() => '')) === 'done');
    await eventually(async () => (await one.execute('stripe', succeeds, options).catch(() => '')) === 'done');
  });
});
