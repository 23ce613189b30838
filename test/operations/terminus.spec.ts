import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { Redis } from 'ioredis';
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
import { replication } from '../../lib/providers/postgres/postgres-examination.js';
import { eventually } from '../support/poll.js';
import { deferred } from '../support/deferred.js';
import { rejection, useApps } from '../support/nest-apps.js';
import { usePostgresServer } from '../support/postgres.js';
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
  const postgres = usePostgresServer();

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
        providers: {
          'locking-redis': { store: 'up', responseTime: expect.any(Number), wakeUps: 'unused', findings: [] },
        },
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

  describe('what endangers locks although the store answers', () => {
    afterEach(async () => {
      const client = new Redis(redis.url);
      await client.config('SET', 'maxmemory-policy', 'noeviction');
      client.disconnect();
    });

    const degraded = knowsDegraded ? { status: 'degraded' } : { status: 'up', degraded: true };

    it('an eviction policy that may evict locks is degraded, and is found without a restart', async () => {
      const { ask, indicator } = await start({ resolve: RedisLockingProvider, options: { redisUrl: redis.url } });
      expect(await indicator.isHealthy('locks')).toMatchObject({ locks: { status: 'up' } });
      const client = new Redis(redis.url);
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      client.disconnect();
      // The look from before is young enough.
      expect(await indicator.isHealthy('locks', { examineEvery: '1h' })).toMatchObject({ locks: { status: 'up' } });
      const health = await indicator.isHealthy('locks', { examineEvery: '1ms' });
      expect(health).toMatchObject({
        locks: {
          ...degraded,
          providers: {
            'locking-redis': {
              store: 'up',
              findings: [{ status: 'degraded', subject: 'eviction', message: expect.stringContaining('allkeys-lru') }],
            },
          },
        },
      });
      expect((await ask()).status).toBe(200);
      const without = await indicator.isHealthy('locks', { examineEvery: false });
      expect(without.locks.status).toBe('up');
      expect(without.locks.providers['locking-redis']).not.toHaveProperty('findings');
    });

    it('a server that lacks the replicas that minReplicas asks for is down: no lock can be acquired', async () => {
      const options = { redisUrl: redis.url, minReplicas: 1 };
      const { ask } = await start({ resolve: RedisLockingProvider, options });
      const { status, text } = await ask();
      expect(status).toBe(503);
      const { error } = JSON.parse(text) as { error: { locks: object } };
      expect(error.locks).toMatchObject({
        status: 'down',
        providers: { 'locking-redis': { store: 'up', findings: [{ status: 'down', subject: 'replication' }] } },
      });
    });

    it('a clock far from that of this machine is degraded', async () => {
      class Ahead extends RedisLockingProvider {
        override async now(): Promise<number> {
          return (await super.now()) + 3_600_000;
        }
      }
      const { indicator } = await start({ resolve: Ahead, options: { redisUrl: redis.url } });
      const { locks } = await indicator.isHealthy('locks');
      expect(locks).toMatchObject(degraded);
      expect(Object.values(locks.providers)[0]!.findings).toMatchObject([
        { status: 'degraded', subject: 'clock', message: expect.stringMatching(/^the clock of the store is .* ahead/) },
      ]);
    });

    it('a commit that waits for a standby which is missing is down, and names no user', async () => {
      class Waiting extends PostgresLockingProvider {
        override async examine(): Promise<ReturnType<typeof replication>> {
          return Promise.resolve(replication({ standbys: 0, synchronous: 'other', awaits: true }));
        }
      }
      const options = { connectionString: postgres.url };
      const { indicator } = await start({ resolve: Waiting, options });
      expect(await indicator.isHealthy('locks')).toMatchObject({ locks: { status: 'down' } });
      const healthy = await start({ resolve: PostgresLockingProvider, options });
      const { locks } = await healthy.indicator.isHealthy('locks');
      expect(locks.status).toBe('up');
      expect(Object.values(locks.providers)[0]!.findings).toEqual([]);
    });

    it('a server that refuses INFO is up and says what is not known, without the name of the user', async () => {
      const client = new Redis(redis.url);
      await client.acl('SETUSER', 'someone', 'on', '>a-password', '~lock:*', '&lock:*', '+@all', '-info');
      client.disconnect();
      const redisUrl = redis.url.replace('//', '//someone:a-password@');
      const { ask } = await start({ resolve: RedisLockingProvider, options: { redisUrl } });
      const { status, text } = await ask();
      expect(status).toBe(200);
      expect(text).toContain('the server refuses INFO (NOPERM)');
      for (const secret of ['a-password', 'someone']) expect(text).not.toContain(secret);
    });

    it('a server that is never done with the look does not hold up the check, and is looked at once at a time', async () => {
      const gate = deferred();
      let looks = 0;
      class Slow extends RedisLockingProvider {
        override async examine(...asked: Parameters<RedisLockingProvider['examine']>) {
          looks += 1;
          await gate.promise;
          return super.examine(...asked);
        }
      }
      const { indicator } = await start({ resolve: Slow, options: { redisUrl: redis.url } });
      const checks = await Promise.all([1, 2, 3].map(() => indicator.isHealthy('locks', { timeout: '1s' })));
      for (const { locks } of checks) {
        expect(locks.status).toBe('up');
        expect(Object.values(locks.providers)[0]).not.toHaveProperty('findings');
      }
      expect(looks).toBe(1);
      gate.resolve();
      await eventually(async () => {
        const { locks } = await indicator.isHealthy('locks');
        return Object.values(locks.providers)[0]!.findings?.length === 0;
      });
    });
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
    ['locks', { examineEvery: 'x' as '1s' }, /examineEvery/],
    ['locks', { providers: [] }, /providers must be an array/],
    ['locks', { providers: ['nowhere'] }, /no lock provider "nowhere"/],
  ])('what cannot work is refused: %j %j', async (key, options, message) => {
    const { indicator } = await start();
    const error = await rejection(indicator.isHealthy(key, options));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect((error as Error).message).toMatch(message);
  });
});
