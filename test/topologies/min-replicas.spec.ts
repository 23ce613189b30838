import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { isLockBackendError, isLockLostError, RecordService, type LockLostError } from '../../lib/index.js';
import { useApplications, type StartedApplication } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { refusalOf } from '../support/refusal.js';
import { look } from '../support/sentinels.js';
import { RedisLockingProvider, type RedisLockingProviderOptions } from '../../lib/index.js';
import { oldestUnanswered } from '../../lib/providers/redis/ioredis-workarounds/silence-watch.js';
import { useProxies } from '../support/tcp-proxy.js';
import { startRedisServer, type RedisServer } from '../../tools/redis-server/index.mjs';

jest.setTimeout(60_000);

const redis = useRawRedis({ config: { 'repl-diskless-sync-delay': '0' } });
const applications = useApplications();
let replica: RedisServer;

beforeAll(async () => {
  replica = await startRedisServer({ config: { replicaof: `127.0.0.1 ${String(redis.port)}` } });
});

afterAll(async () => {
  await (replica as RedisServer | undefined)?.stop();
});

beforeEach(async () => {
  await eventually(async () => (await redis.raw.wait(1, 100)) === 1);
});

afterEach(() => {
  replica.kill('SIGCONT');
});

const start = (options?: RedisLockingProviderOptions): Promise<StartedApplication> =>
  applications.onRedis({ redisUrl: redis.url, minReplicas: 1, ...options });

const NOT_REPLICATED = /^Could not lock "k": only 0 of the 1 replicas that minReplicas asks for had it after 1000 ms/;

/** Resolves once the store has nothing but tombstones and the counter. */
async function untilFree(key: string): Promise<void> {
  await eventually(async () => (await redis.raw.exists(`lock:${key}`)) === 0);
}

describe('minReplicas', () => {
  it('with minReplicas, the replica has the lock before the job runs', async () => {
    const { locking } = await start();
    for (let round = 0; round < 20; round += 1) {
      const [there, here] = await locking.execute('k', async () => [
        await look(replica, (client) => client.get('lock:k')),
        await redis.raw.get('lock:k'),
      ]);
      expect(there).toMatch(/^nl1:/);
      expect(there).toBe(here);
    }
  });

  it.each([
    ['one key', 'k'],
    ['several', ['k', 'l']],
  ])('with minReplicas, a lock that no replica has is refused: %s', async (_, keys) => {
    const { locking } = await start();
    await locking.execute(keys, () => undefined);
    replica.kill('SIGSTOP');
    const job = jest.fn();
    const error = await rejectionOf(locking.execute(keys, job, { timeout: '20s' }));
    expect(isLockBackendError(error)).toBe(true);
    expect(error.message.replace('"k", "l"', '"k"')).toMatch(NOT_REPLICATED);
    expect(job).not.toHaveBeenCalled();
    for (const key of [keys].flat()) await untilFree(key);
    replica.kill('SIGCONT');
    expect(await locking.execute(keys, () => 'ran')).toBe('ran');
  });

  it('with minReplicas, a script that is sent again is confirmed by the replica, too', async () => {
    const { locking } = await start();
    replica.kill('SIGSTOP');
    await redis.raw.script('FLUSH');
    expect((await rejectionOf(locking.tryAcquire('k'))).message).toMatch(NOT_REPLICATED);
    await untilFree('k');
  });

  describe('with a client of the application', () => {
    const startProxy = useProxies();
    const clients: Redis[] = [];
    const servers: RedisServer[] = [];

    afterEach(async () => {
      for (const client of clients.splice(0)) client.disconnect();
      await Promise.all(servers.splice(0).map((server) => server.stop()));
    });

    const clientOf = (port: number): Redis => {
      const client = new Redis(port, { disconnectTimeout: 100 });
      client.on('error', () => undefined);
      clients.push(client);
      return client;
    };

    /** A server with a replica in step. */
    async function startPair(): Promise<[RedisServer, RedisServer]> {
      const master = await startRedisServer({ config: { 'repl-diskless-sync-delay': '0' } });
      servers.push(master);
      const own = await startRedisServer({ config: { replicaof: `127.0.0.1 ${String(master.port)}` } });
      servers.push(own);
      await eventually(() => look(master, async (raw) => (await raw.wait(1, 100)) === 1));
      return [master, own];
    }

    it('a lock that only the former master had is refused, though the new master answers the repeated WAIT', async () => {
      const [former, lagging] = await startPair();
      const [successor] = await startPair();
      const client = clientOf(former.port);
      const { locking } = await start({ redisUrl: undefined, client });
      await locking.execute('k', () => undefined);
      lagging.kill('SIGSTOP');
      const acquiring = rejectionOf(locking.tryAcquire('k', { expire: '30s' }));
      await eventually(() => oldestUnanswered(client)?.command.name === 'wait');
      client.options.port = successor.port;
      former.kill('SIGKILL');
      expect(isLockBackendError(await acquiring)).toBe(true);
      expect(await locking.tryAcquire('k')).not.toBeNull();
    });

    it('calls work again after the connection went dark during a WAIT', async () => {
      const proxy = await startProxy(redis.port);
      const client = clientOf(proxy.port);
      const { locking } = await start({ redisUrl: undefined, client });
      await locking.execute('k', () => undefined);
      replica.kill('SIGSTOP');
      const acquiring = rejectionOf(locking.tryAcquire('k'));
      await eventually(() => oldestUnanswered(client)?.command.name === 'wait');
      proxy.goDark();
      replica.kill('SIGCONT');
      expect(isLockBackendError(await acquiring)).toBe(true);
      await eventually(async () => (await locking.execute('k', () => 1).catch(() => delay(100))) === 1, 30_000);
    });
  });

  it('with minReplicas, a held key is refused at once, whatever the replicas do', async () => {
    const [one, two] = [await start(), await start()];
    await one.locking.acquire('k');
    replica.kill('SIGSTOP');
    expect(await two.locking.tryAcquire('k')).toBeNull();
  });

  it('with minReplicas, a lock that was handed off is confirmed before its job runs', async () => {
    const [holder, waiter] = [await start({ minReplicas: 0 }), await start()];
    const lock = await holder.locking.acquire('k');
    const job = jest.fn();
    const waiting = waiter.locking.execute('k', job, { timeout: '50s' });
    await eventually(async () => (await redis.raw.llen('lock:nestjs-locking:order:k')) === 1);
    replica.kill('SIGSTOP');
    expect(await lock.release()).toBe(true);
    // The store has handed the lock off; the waiter asks for its confirmation again and again.
    await eventually(async () => (await holder.locking.inspect('k'))?.ownerId !== lock.ownerId);
    await redis.raw.config('RESETSTAT');
    await eventually(async () => /cmdstat_wait:calls=[2-9]/.test(await redis.raw.info('commandstats')));
    expect(job).not.toHaveBeenCalled();
    replica.kill('SIGCONT');
    await waiting;
    expect(job).toHaveBeenCalledTimes(1);
  });

  it('with minReplicas, a renewal that no replica has does not count', async () => {
    const { locking } = await start({ expire: '4s' });
    const error = await rejectionOf(
      locking.execute('k', async ({ signal }) => {
        replica.kill('SIGSTOP');
        await eventually(() => signal.aborted, 25_000);
        // The master has renewed the lock all the time.
        expect(await redis.raw.pttl('lock:k')).toBeGreaterThan(0);
      }),
    );
    expect(isLockLostError(error)).toBe(true);
    expect((error as LockLostError).outcome).toMatchObject({ status: 'fulfilled' });
  });

  it('with minReplicas, a lock is renewed while replicas answer', async () => {
    const { locking } = await start({ expire: '900ms' });
    const lost = await locking.execute('k', async ({ signal }) => {
      const from = performance.now();
      await eventually(() => performance.now() - from > 2500);
      return signal.aborted;
    });
    expect(lost).toBe(false);
  });

  it('with minReplicas, all requests of one turn share one WAIT', async () => {
    const { locking } = await start();
    await locking.execute('k', () => undefined);
    await redis.raw.config('RESETSTAT');
    const locks = await Promise.all(Array.from({ length: 50 }, (_, index) => locking.acquire(`k${String(index)}`)));
    expect(await redis.raw.info('commandstats')).toContain('cmdstat_wait:calls=1,');
    expect(locks.every(({ held }) => held)).toBe(true);
  });

  it('with minReplicas, a release is delayed by no more than one WAIT', async () => {
    const { locking } = await start();
    const lock = await locking.acquire('held');
    replica.kill('SIGSTOP');
    const failing = Array.from({ length: 10 }, async (_, index) => {
      await eventually(async () => (await redis.raw.incr('turn')) > index);
      return rejectionOf(locking.acquire(`k${String(index)}`));
    });
    const since = performance.now();
    expect(await lock.release()).toBe(true);
    // Ten WAITs, one after another, would take ten seconds.
    expect(performance.now() - since).toBeLessThan(5000);
    for (const error of await Promise.all(failing)) expect(isLockBackendError(error)).toBe(true);
  });

  it('with minReplicas, a record counts as written once the replica has it', async () => {
    const { app } = await start();
    const records = app.get(RecordService);
    const write = async (value: number) => records.write('r', value, { ttl: '1m' });
    for (let round = 0; round < 20; round += 1) {
      await Promise.all([write(round), write(round)]);
      const there = await look(replica, async (client) => client.hget('lock:nestjs-locking:record:r', 'value'));
      expect(there).toBe(String(round));
    }
    replica.kill('SIGSTOP');
    const message = /^Could not write the record "r": only 0 of the 1 replicas that minReplicas asks for had it/;
    expect((await rejectionOf(write(-1))).message).toMatch(message);
    replica.kill('SIGCONT');
    await eventually(async () => (await write(-2)).changed);
  });

  it('minReplicas must be a whole number', async () => {
    for (const minReplicas of [-1, 1.5, NaN, '1', null]) {
      const options = { redisUrl: redis.url, minReplicas };
      expect(await refusalOf(applications, { providers: [{ resolve: RedisLockingProvider, options }] })).toMatch(
        /^Provider "locking-redis": minReplicas must be a whole number, 0 or more, not /,
      );
    }
  });

  it('minReplicas is refused together with a cluster', async () => {
    const options = { cluster: { nodes: [{ host: '127.0.0.1', port: 7000 }] }, minReplicas: 1 };
    expect(await refusalOf(applications, { providers: [{ resolve: RedisLockingProvider, options }] })).toMatch(
      /^Provider "locking-redis": minReplicas does not work with a Redis Cluster yet/,
    );
  });
});
