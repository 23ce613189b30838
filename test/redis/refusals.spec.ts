import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { LockBackendError, type LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis, type RawRedis } from '../support/raw-redis.js';

const applications = useApplications();

/**
 * Expects that every way to lock fails with this error, runs no job and leaves nothing; the server's error is a cause.
 */
async function expectRefusal(locking: LockingService, code: string, says: RegExp, key = 'k'): Promise<void> {
  let ran = false;
  const run = (): boolean => (ran = true);
  const errors = [
    await rejectionOf(locking.execute(key, run, { timeout: '20s' })),
    await rejectionOf(locking.execute([key, 'other'], run, { timeout: '20s' })),
    await rejectionOf(locking.execute(key, run, { ownerId: 'me', timeout: '20s' })),
    await rejectionOf(locking.tryAcquire(key)),
  ];
  for (const error of errors) {
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toMatch(new RegExp(`^Could not lock "k"(, "other")?: ${code}\\b`));
    expect(error.message).toMatch(says);
    expect(error.message).not.toMatch(/user_script|Check that the store is up/);
    const causes: string[] = [];
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause) causes.push(cause.message);
    expect(causes.join('\n')).toContain(code);
  }
  expect(ran).toBe(false);
}

async function nothingIsLeft(redis: RawRedis): Promise<void> {
  await eventually(async () => (await redis.raw.exists('lock:k', 'lock:other')) === 0);
}

describe('a replica', () => {
  const redis = useRawRedis({ config: { 'replica-serve-stale-data': 'yes' } });

  it('a replica grants no locks, and the error names the remedy; once it is a primary, it grants them', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const lock = await locking.acquire('held', { expire: '30s' });
    await redis.raw.replicaof('127.0.0.1', '1');
    await expectRefusal(locking, 'READONLY', /\(the server is a replica, or has become one\)\. After a failover /);
    expect((await rejectionOf(lock.release())).message).toContain('READONLY');
    await redis.raw.config('SET', 'replica-serve-stale-data', 'no');
    await expectRefusal(locking, 'MASTERDOWN', /has lost its primary\)\. After a failover /);
    await redis.raw.replicaof('NO', 'ONE');
    expect(await locking.execute('k', () => 1)).toBe(1);
    await eventually(async () => (await redis.raw.exists('lock:held')) === 0);
  });
});

describe('a server that refuses writes', () => {
  const redis = useRawRedis({
    config: { 'stop-writes-on-bgsave-error': 'yes', save: '3600 1', 'enable-protected-configs': 'yes' },
  });

  it('the error of a server without enough replicas says so', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await redis.raw.config('SET', 'min-replicas-to-write', '1');
    await expectRefusal(locking, 'NOREPLICAS', /\. Bring the replicas back, or lower min-replicas-to-write\.$/);
    await redis.raw.config('SET', 'min-replicas-to-write', '0');
    await nothingIsLeft(redis);
  });

  it('the error of a server without memory says so', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const lock = await locking.acquire('held');
    await redis.raw.config('SET', 'maxmemory', '1');
    await expectRefusal(locking, 'OOM', /\(the server has no memory left\)\. Raise its maxmemory /);
    // Commands that free memory are not refused.
    expect(await lock.release()).toBe(true);
    await redis.raw.config('SET', 'maxmemory', '0');
    await nothingIsLeft(redis);
    expect(await locking.execute('k', () => 1)).toBe(1);
  });

  it('the error of a server that cannot save its data says so', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const [here, away] = [path.join(redis.server.dir, 'data'), path.join(redis.server.dir, 'away')];
    mkdirSync(here);
    await redis.raw.config('SET', 'dir', here);
    renameSync(here, away);
    // A directory in place of the file makes saving fail, even for root.
    mkdirSync(path.join(away, 'dump.rdb', 'full'), { recursive: true });
    await redis.raw.set('x', '1');
    await redis.raw.bgsave();
    const failed = async () => (await redis.raw.info('persistence')).includes('rdb_last_bgsave_status:err');
    await eventually(failed);
    await expectRefusal(locking, 'MISCONF', /cannot save its data\)\. Look into its log: /);
    await redis.raw.config('SET', 'stop-writes-on-bgsave-error', 'no');
    expect(await locking.execute('k', () => 1)).toBe(1);
  });
});

describe('a server that runs a script without end', () => {
  const redis = useRawRedis({ config: { 'busy-reply-threshold': '10' } });

  it('the error of a server with an endless script says so, and locks work once the script is killed', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const other = new Redis(redis.url);
    const endless = rejectionOf(other.eval('while true do end', 0));
    await eventually(async () => (await redis.raw.ping().catch((error: unknown) => String(error))).includes('BUSY'));
    await expectRefusal(
      locking,
      'BUSY',
      /has been running on the server for too long\)\. Find out whose it is; SCRIPT KILL/,
    );
    await redis.raw.script('KILL');
    expect((await endless).message).toContain('killed');
    expect(await locking.execute('k', () => 1)).toBe(1);
    other.disconnect();
  });
});

describe('a user without a permission', () => {
  const redis = useRawRedis();
  const open = async (...rules: string[]) => {
    await redis.raw.acl('SETUSER', 'locks', 'reset', 'on', '>pw', '+@all', ...rules);
    const redisOptions = { username: 'locks', password: 'pw', enableReadyCheck: false };
    return (await applications.onRedis({ redisUrl: redis.url, redisOptions })).locking;
  };

  it.each([
    ['run scripts', 'NOPERM', ['~*', '&*', '-eval', '-evalsha']],
    ['touch the keys', 'NOPERM', ['~other:*', '&*']],
    [
      'write the counter',
      '(NOPERM|ERR The user executing the script|ERR ACL failure in script)',
      ['~lock:k', '~lock:other', '~*queue:*', '%R~*fence', '&*'],
    ],
  ])('a user that may not %s learns which permissions are needed', async (_, code, rules) => {
    const locking = await open(...rules);
    let ran = false;
    const error = await rejectionOf(locking.execute('k', () => (ran = true)));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toMatch(
      new RegExp(`^Could not lock "k": ${code}\\b.*Allow it the commands, keys and channels `),
    );
    expect(ran).toBe(false);
    await nothingIsLeft(redis);
  });
});

describe('a server of a Redis Cluster', () => {
  const redis = useRawRedis({ config: { 'cluster-enabled': 'yes' } });

  it('the error of a cluster that is not whole says so', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const error = await rejectionOf(locking.acquire('k'));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toMatch(/^Could not lock "k": (CLUSTERDOWN|CROSSSLOT) .*(CLUSTER INFO|option cluster)/);
  });
});

describe('a server that reads its data', () => {
  const redis = useRawRedis({ config: { save: '', 'key-load-delay': '3000' } });

  it('calls fail and say so while a server loads its data, and work afterwards', async () => {
    const pipeline = redis.raw.pipeline();
    for (let index = 0; index < 1500; index += 1) pipeline.set(`filler:${index}`, 'x');
    await pipeline.exec();
    await redis.raw.save();
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    // On a busy machine the data may be read before the first call: then once more.
    await eventually(async () => {
      await redis.server.restart();
      for (;;) {
        const message = await locking.execute('k', () => 'ran').catch(String);
        if (/connected to Redis, which is not ready yet: it may still be reading its data|LOADING/.test(message))
          return true;
        if (message === 'ran') return false;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }, 60_000);
    await eventually(async () => (await locking.tryAcquire('k').catch(() => null)) !== null, 25_000);
  }, 90_000);
});
