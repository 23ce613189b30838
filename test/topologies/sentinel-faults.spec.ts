import { describe, expect, it, jest } from '@jest/globals';
import { isLockBackendError } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { listeners, useSentinels } from '../support/sentinels.js';

jest.setTimeout(120_000);

const applications = useApplications();

describe('with minReplicas, a master that is killed right after it has granted', () => {
  const group = useSentinels();

  it('with minReplicas, no lock is lost with a killed master, and no other caller gets a held one', async () => {
    const { sentinels, name } = group();
    const options = { redisOptions: { sentinels, name }, minReplicas: 1 };
    const [one, two] = [await applications.onRedis(options), await applications.onRedis(options)];
    for (let round = 1; round <= 3; round += 1) {
      await group().settled();
      const before = await group().master();
      await eventually(async () => (await one.locking.execute('warm', () => 1).catch(() => 0)) === 1);
      const keys = Array.from({ length: 50 }, (_, index) => `${String(round)}.${String(index)}`);
      const locks = await Promise.all(keys.map((key) => one.locking.acquire(key)));
      before.kill('SIGKILL');
      await group().elected(before);
      await group().agreed();
      // The only replica is the master now, so nothing can be locked until the former one is back.
      await before.restart();
      await group().settled();
      await eventually(async () => (await two.locking.execute('warm', () => 1).catch(() => 0)) === 1);
      for (const [index, key] of keys.entries()) {
        expect(locks[index]?.held).toBe(true);
        expect(await two.locking.tryAcquire(key)).toBeNull();
      }
      for (const lock of locks) expect(await lock.release()).toBe(true);
    }
  });
});

describe('a master that stands still', () => {
  const group = useSentinels();

  it('a master that stands still is replaced, though its connections stay open', async () => {
    const { sentinels, name } = group();
    const { locking } = await applications.onRedis({ redisOptions: { sentinels, name } });
    const waiter = await applications.onRedis({ redisOptions: { sentinels, name } });
    const lock = await locking.acquire('k');
    const waiting = waiter.locking.execute('k', () => 'ran', { timeout: '60s' });
    const before = await group().master();
    await eventually(async () => (await listeners(before)) >= 1);
    before.kill('SIGSTOP');
    try {
      const after = await group().elected(before);
      await eventually(async () => (await locking.execute('other', () => 1).catch(() => 0)) === 1, 5000);
      await eventually(async () => (await listeners(after)) >= 1, 5000);
      await lock.release();
      expect(await waiting).toBe('ran');
    } finally {
      before.kill('SIGCONT');
    }
  });
});

describe('sentinels that cannot be reached', () => {
  const group = useSentinels();

  it('sentinels that cannot be reached are reported at the start, and end no connection', async () => {
    const { sentinels, name } = group();
    const { locking } = await applications.onRedis({ redisOptions: { sentinels, name } });
    for (const sentinel of group().sentinelServers) sentinel.kill('SIGSTOP');
    // Existing connections work without the sentinels.
    expect(await locking.execute('k', () => 'ran')).toBe('ran');
    const late = await applications.onRedis({ redisOptions: { sentinels, name } });
    expect(late.log.of('error')).toEqual([expect.stringMatching(/All sentinels are unreachable.*[Tt]imed out/)]);
    expect(isLockBackendError(await rejectionOf(late.locking.execute('k', () => 'ran')))).toBe(true);
    // The master ends while no sentinel can be asked: ioredis gives up if it is disturbed meanwhile.
    const master = group().servers[0];
    master?.kill('SIGKILL');
    await eventually(async () =>
      isLockBackendError(await locking.execute('k', () => 1).catch((error: unknown) => error)),
    );
    await master?.restart();
    for (const sentinel of group().sentinelServers) sentinel.kill('SIGCONT');
    await eventually(async () => (await locking.execute('k', () => 1).catch(() => 0)) === 1, 30_000);
    await eventually(async () => (await late.locking.execute('k', () => 1).catch(() => 0)) === 1, 30_000);
  });

  it('a client without retries is connected again after no sentinel could be reached', async () => {
    await group().settled();
    const { sentinels, name } = group();
    const redisOptions = { sentinels, name, sentinelRetryStrategy: () => null };
    const { locking } = await applications.onRedis({ redisOptions });
    const master = await group().master();
    for (const sentinel of group().sentinelServers) sentinel.kill('SIGSTOP');
    master.kill('SIGKILL');
    await eventually(
      async () =>
        String(await locking.execute('k', () => 1).catch((error: unknown) => error)).includes('retry is disabled'),
      20_000,
    );
    await master.restart();
    for (const sentinel of group().sentinelServers) sentinel.kill('SIGCONT');
    await eventually(async () => (await locking.execute('k', () => 1).catch(() => 0)) === 1, 30_000);
  });
});

describe('a master that becomes a replica by hand', () => {
  const redis = useRawRedis();

  it('the error for a master that became a replica by hand says so, and the client reconnects', async () => {
    const { locking, log } = await applications.onRedis({ redisUrl: redis.url });
    const lock = await locking.acquire('held');
    const connected = performance.now();
    await eventually(() => performance.now() - connected > 1100);
    await redis.raw.replicaof('127.0.0.1', 1);
    const job = jest.fn();
    const error = await rejectionOf(locking.execute('k', job, { timeout: '20s' }));
    expect(isLockBackendError(error)).toBe(true);
    expect(error.message).toMatch(
      /^Could not lock "k": READONLY .*\(the server is a replica, or has become one\)\. After a failover /,
    );
    expect(job).not.toHaveBeenCalled();
    await eventually(() => log.of('log').length >= 2);
    await redis.raw.replicaof('NO', 'ONE');
    expect(await locking.execute('k', () => 'ran')).toBe('ran');
    expect(await lock.release()).toBe(true);
  });
});
