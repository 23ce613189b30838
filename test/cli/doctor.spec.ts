import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { PostgresLockingProvider } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { cli, jsonLines } from '../support/cli.js';
import { rowsOf, usePostgresServer } from '../support/postgres.js';
import { useRedisServer } from '../support/redis.js';

const redis = useRedisServer();
const postgres = usePostgresServer();
const applications = useApplications();

/** Without what a healthy server tells. */
async function complaints(args: string[]): Promise<{ code: number | null; found: Record<string, unknown>[] }> {
  const result = await cli(['doctor', '--json', ...args]);
  const all = jsonLines(result);
  // With any other finding, doctor still goes through to the end.
  expect(all.map(({ subject }) => subject)).toContain('queues');
  return { code: result.code, found: all.filter(({ level }) => level === 'warning' || level === 'problem') };
}

describe('doctor on Redis', () => {
  let client: Redis;

  beforeEach(() => {
    client = new Redis(redis.url);
  });

  afterEach(async () => {
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    await client.flushall();
    client.disconnect();
  });

  it('finds nothing on a healthy server, and leaves nothing there', async () => {
    const { code, stdout } = await cli(['doctor', '--redis', redis.url]);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain('rights: a lock was acquired, renewed and released');
    expect(stdout).toContain('wake-ups: a waiter was woken');
    expect(stdout).toMatch(/\n0 problems, 0 warnings\n$/);
    expect(await client.keys('*')).toEqual(['lock:nestjs-locking:fence']);
  });

  it('with --read-only writes nothing', async () => {
    const { code } = await cli(['doctor', '--read-only', '--redis', redis.url]);
    expect(code).toBe(0);
    expect(await client.keys('*')).toEqual([]);
  });

  it('names an eviction policy, a broken token counter, and locks that never expire, with the remedy', async () => {
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await locking.acquire('nightly\u001b[31m', { ownerId: 'importer' });
    await client.del('lock:nestjs-locking:fence');
    await client.rpush('lock:nestjs-locking:fence', 'x');
    const { code, found } = await complaints(['--redis', redis.url]);
    expect(code).toBe(1);
    expect(found).toMatchObject([
      { level: 'problem', subject: 'eviction', remedy: expect.stringContaining('noeviction') },
      { level: 'problem', subject: 'tokens' },
      { level: 'problem', subject: 'rights', message: expect.stringContaining('could not be acquired') },
      { level: 'warning', subject: 'stale leases', message: expect.stringContaining('nightly\\x1b[31m') },
    ]);
  });

  it('tells which right a user lacks: to write, and to hear wake-ups', async () => {
    const all = ['on', '>secret', '~lock:*', '&lock:*', '+@all'];
    await client.acl('SETUSER', 'reader', ...all, '-set');
    await client.acl('SETUSER', 'deaf', ...all, '-subscribe', '-info');
    const url = (user: string): string => `redis://${user}:secret@127.0.0.1:${String(redis.port)}`;

    const reader = await complaints(['--redis', url('reader')]);
    expect(reader.code).toBe(1);
    expect(reader.found).toMatchObject([{ level: 'problem', subject: 'rights' }]);
    expect(String(reader.found[0]?.message)).toContain('lacks a right');

    const deaf = await complaints(['--redis', url('deaf')]);
    expect(deaf).toMatchObject({ code: 0, found: [{ level: 'warning', subject: 'wake-ups' }] });
    expect(JSON.stringify([reader, deaf])).not.toContain('secret');
    expect((await cli(['doctor', '--strict', '--read-only', '--redis', url('deaf')])).code).toBe(0);
    expect((await cli(['doctor', '--strict', '--redis', url('deaf')])).code).toBe(1);
  });

  it('finds queue entries of dead processes, and a waiter of a free key', async () => {
    const [seconds] = (await client.time()) as [number, number];
    const entry = (age: number): string => `${String((seconds - age) * 1000)} 30000 1 :p.0:owner`;
    const queue = async (key: string, age: number): Promise<void> => {
      await client.rpush(`lock:nestjs-locking:order:${key}`, 'p');
      await client.hset(`lock:nestjs-locking:queue:${key}`, 'p', entry(age));
    };
    await queue('orphaned', 60);
    // It goes on being heard.
    await queue('stuck', -3600);
    const { code, found } = await complaints(['--redis', redis.url]);
    expect(code).toBe(1);
    expect(found).toMatchObject([
      { level: 'warning', subject: 'queues', message: '1 entry of processes that have died or hang, for orphaned' },
      { level: 'problem', subject: 'queues', message: expect.stringMatching(/^stuck has been free for /) },
    ]);
  });
});

describe('doctor on PostgreSQL', () => {
  it('finds nothing but what the server is set to, and names orphaned entries and locks that never expire', async () => {
    const options = { connectionString: postgres.url };
    const { locking } = await applications.withLocks({ providers: [{ resolve: PostgresLockingProvider, options }] });
    await locking.acquire('forever', { ownerId: 'importer' });
    const before = await complaints(['--postgres', postgres.url]);
    // The servers of the tests run without fsync.
    expect(before).toMatchObject({ code: 0, found: [{ subject: 'durability' }, { subject: 'stale leases' }] });
    const leases = await rowsOf(postgres.url, `SELECT 1 FROM nestjs_locking.queue`);
    expect(leases).toEqual([]);

    await rowsOf(
      postgres.url,
      `INSERT INTO nestjs_locking.queue VALUES ('lock:', 'forever', 'p', 1, 'p.0', 'o', 1000, 1, now() - interval '1 h')`,
    );
    const { found } = await complaints(['--postgres', postgres.url]);
    expect(found.at(-1)).toMatchObject({ subject: 'queues', message: expect.stringContaining('for forever') });
  });

  it('says that tables or rights are missing, with 2', async () => {
    await rowsOf(postgres.url, `CREATE ROLE guest LOGIN PASSWORD 'secret'`);
    const url = postgres.url.replace('postgres@', 'guest:secret@');
    const { code, stderr } = await cli(['doctor', '--postgres', url]);
    expect(code).toBe(2);
    expect(stderr).toContain('GRANT USAGE ON SCHEMA');
    expect(stderr).not.toContain('secret');
  });
});
