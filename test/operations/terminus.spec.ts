import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import {
  InMemoryLockingProvider,
  LockConfigurationError,
  LockingModule,
  LockingService,
  PostgresLockingProvider,
  RedisLockingProvider,
  type LockingProviderDefinition,
} from '../../lib/index.js';
import { LockingHealthIndicator, type LockingHealthOptions } from '../../lib/operations/terminus/index.js';
import { eventually } from '../support/poll.js';
import { deferred } from '../support/deferred.js';
import { rejection, useApps } from '../support/nest-apps.js';
import { useRedisServer } from '../support/redis.js';

@Controller()
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(LockingHealthIndicator) private readonly locks: LockingHealthIndicator,
  ) {}

  @Get('health')
  @HealthCheck()
  async check() {
    return this.health.check([async () => this.locks.isHealthy('locks', { timeout: '2s' })]);
  }
}

/** Whether this terminus knows the status. */
const knowsDegraded = 'degraded' in new HealthIndicatorService().check('any');

describe('LockingHealthIndicator', () => {
  const startApp = useApps();
  const redis = useRedisServer();

  const start = async (...providers: LockingProviderDefinition[]) => {
    const app = await startApp({
      imports: [
        LockingModule.forRoot(providers.length > 0 ? { providers } : {}),
        TerminusModule.forRoot({ logger: false }),
      ],
      controllers: [HealthController],
      providers: [LockingHealthIndicator],
    });
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const ask = async () => {
      const response = await fetch(`${url}/health`);
      return { status: response.status, text: await response.text() };
    };
    return { app, ask, indicator: app.get(LockingHealthIndicator), locking: app.get(LockingService) };
  };

  it('locks in Redis are up, with the time of the answer', async () => {
    const { ask } = await start({ resolve: RedisLockingProvider, options: { redisUrl: redis.url } });
    const { status, text } = await ask();
    expect(status).toBe(200);
    const { details } = JSON.parse(text) as { details: object };
    expect(details).toEqual({
      locks: {
        status: 'up',
        providers: { 'locking-redis': { store: 'up', responseTime: expect.any(Number), wakeUps: 'unused' } },
      },
    });
  });

  it('wake-ups work once a caller has waited', async () => {
    const { indicator, locking } = await start({ resolve: RedisLockingProvider, options: { redisUrl: redis.url } });
    const lock = await locking.acquire('a');
    const waiting = locking.acquire('a', { timeout: '1m' });
    await eventually(async () => {
      const { locks } = await indicator.isHealthy('locks');
      return locks.providers['locking-redis']!.wakeUps === 'working';
    });
    await lock.release();
    await (await waiting).release();
  });

  it('a store that cannot be reached is down with a code, and nothing tells where it is', async () => {
    const url = 'redis://someone:a-password@127.0.0.1:1/0';
    const { ask } = await start({ resolve: RedisLockingProvider, options: { redisUrl: url } });
    const { status, text } = await ask();
    expect(status).toBe(503);
    const { error } = JSON.parse(text) as { error: { locks: object } };
    expect(error.locks).toMatchObject({ status: 'down', providers: { 'locking-redis': { store: 'down' } } });
    for (const secret of ['a-password', 'someone', '127.0.0.1']) expect(text).not.toContain(secret);
  });

  it('a PostgreSQL that cannot be reached is down, and nothing tells where it is', async () => {
    const connectionString = 'postgres://someone:a-password@127.0.0.1:1/locks';
    const { indicator } = await start({ resolve: PostgresLockingProvider, options: { connectionString } });
    const health = await indicator.isHealthy('locks');
    expect(health).toMatchObject({ locks: { status: 'down' } });
    for (const secret of ['a-password', 'someone', '127.0.0.1']) expect(JSON.stringify(health)).not.toContain(secret);
  });

  it('a store that does not answer is down in time, and is asked once at a time', async () => {
    const gate = deferred();
    let asked = 0;
    class Silent extends InMemoryLockingProvider {
      override async inspect(keys: readonly string[]) {
        asked += 1;
        await gate.promise;
        return super.inspect(keys);
      }
    }
    const { indicator } = await start({ resolve: Silent });
    const checks = await Promise.all([1, 2, 3].map(() => indicator.isHealthy('locks', { timeout: '50ms' })));
    for (const { locks } of checks) {
      expect(locks).toMatchObject({
        status: 'down',
        providers: { 'in-memory': { store: 'down', reason: 'no answer' } },
      });
    }
    expect(asked).toBe(1);
    gate.resolve();
    await eventually(async () => (await indicator.isHealthy('locks', { timeout: '5s' })).locks.status === 'up');
  });

  it('interrupted wake-ups are degraded, not down', async () => {
    class Deaf extends InMemoryLockingProvider {
      override async listen(): Promise<void> {
        return Promise.reject(new Error('no rights to subscribe'));
      }
    }
    const { ask, indicator, locking } = await start({ resolve: Deaf });
    const lock = await locking.acquire('a');
    const waiting = locking.acquire('a', { timeout: '1m' });
    await eventually(
      async () => (await indicator.isHealthy('locks')).locks.providers['in-memory']!.wakeUps === 'interrupted',
    );
    const { status, text } = await ask();
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      details: { locks: knowsDegraded ? { status: 'degraded' } : { status: 'up', degraded: true } },
    });
    await lock.release();
    await (await waiting).release();
  });

  it('the providers to check can be named, with or without their prefix', async () => {
    const { indicator } = await start(
      { resolve: InMemoryLockingProvider, id: 'good', is_default: true },
      { resolve: RedisLockingProvider, id: 'bad', options: { redisUrl: 'redis://127.0.0.1:1' } },
    );
    expect(await indicator.isHealthy('locks')).toMatchObject({ locks: { status: 'down' } });
    const { locks } = await indicator.isHealthy('locks', { providers: ['lp_good'] });
    expect([locks.status, Object.keys(locks.providers)]).toEqual(['up', ['good']]);
  });

  it.each([
    ['', {}, /key must be a text/],
    ['locks', { time: '1s' } as LockingHealthOptions, /"time" is not an option/],
    ['locks', { timeout: 'x' as '1s' }, /timeout/],
    ['locks', { providers: [] }, /providers must be an array/],
    ['locks', { providers: ['nowhere'] }, /no lock provider "nowhere"/],
  ])('what cannot work is refused: %j %j', async (key, options, message) => {
    const { indicator } = await start();
    const error = await rejection(indicator.isHealthy(key, options));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect((error as Error).message).toMatch(message);
  });
});
