import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { PostgresLockingProvider, RedisLockingProvider, type LockingService } from '../../lib/index.js';
import { CLI, cli, jsonLines } from '../support/cli.js';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/poll.js';
import { usePostgresServer } from '../support/postgres.js';
import { useRedisServer } from '../support/redis.js';
import { storeOf } from '../support/stores.js';

const redis = useRedisServer();
const postgres = usePostgresServer();
let namespace = `${randomUUID()}:`;

describe.each([
  {
    store: 'Redis',
    use: (options?: object) => ({
      resolve: RedisLockingProvider,
      options: { ...options, redisUrl: redis.url, namespace },
    }),
    flags: () => ['--redis', redis.url, '--namespace', namespace],
    env: () => ({ LOCKING_REDIS_URL: redis.url, LOCKING_NAMESPACE: namespace }),
  },
  {
    store: 'PostgreSQL',
    use: (options?: object) => ({
      resolve: PostgresLockingProvider,
      options: { ...options, connectionString: postgres.url, namespace },
    }),
    flags: () => ['--postgres', postgres.url, '--namespace', namespace],
    env: () => ({ LOCKING_POSTGRES_URL: postgres.url, LOCKING_NAMESPACE: namespace }),
  },
])('the command line on $store', ({ use, flags, env }) => {
  const ends: (() => void)[] = [];

  // Before that of `storeOf`: jobs end before their applications do.
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });
  const store = storeOf(use, () => {
    namespace = `${randomUUID()}:`;
  });

  async function hold(locking: LockingService, key: string): Promise<{ ended: Promise<unknown>; end: () => void }> {
    const held = deferred();
    const over = deferred();
    ends.push(over.resolve);
    const ended = locking
      .execute(key, async ({ signal }) => {
        held.resolve();
        signal.addEventListener('abort', () => {
          over.resolve();
        });
        await over.promise;
      })
      .catch((error: unknown) => error);
    await held.promise;
    return { ended, end: over.resolve };
  }

  it('list shows what is held, filtered and sorted, as a table and as JSON', async () => {
    const locking = await store.open();
    await hold(locking, 'order:1');
    await hold(locking, 'order:2');
    await hold(locking, 'cart:\u001b[31m\u202e\\');
    await locking.acquire('forever', { ownerId: 'nightly import' });

    const table = await cli(['list', ...flags()]);
    expect(table.code).toBe(0);
    const lines = table.stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^KEY +HOLDER +TOKEN +HELD FOR +EXPIRES IN +WAITING$/);
    expect(lines.slice(1).map((line) => line.split(/ {2,}/)[0])).toEqual([
      'cart:\\x1b[31m\\u202e\\\\',
      'forever',
      'order:1',
      'order:2',
    ]);
    expect(lines[2]).toMatch(/nightly import +\d{16} +.* never +0$/);
    // Neither colours nor the escape sequence of the key reach a pipe.
    expect(table.stdout).not.toContain('\u001b');

    const json = jsonLines(await cli(['list', 'order:*', '--json', '--sort', 'key', '--reverse', ...flags()]));
    expect(json.map(({ key }) => key)).toEqual(['order:2', 'order:1']);
    const info = await locking.inspect('order:2');
    expect(json[0]).toMatchObject({ waiting: 0, fencingToken: info?.fencingToken });
    expect(json[0]?.heldFor).toBeLessThan(120_000);

    const forever = jsonLines(await cli(['list', '--forever', '--holder', 'import', '--json'], env()));
    expect(forever).toMatchObject([{ key: 'forever', ownerId: 'nightly import', ttl: null }]);
    const few = await cli(['list', '--limit', '1'], env());
    expect(few.stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(few.stderr).toContain('Shown are 1 of 4 locks');
  });

  it('inspect shows the holder, the token and the queue in order, and ends with 1 for a free key', async () => {
    const [one, two, three] = [await store.open(), await store.open(), await store.open()];
    await hold(one, 'k');
    for (const [count, other] of [two, three].entries()) {
      void other.execute('k', () => undefined, { timeout: '60s' }).catch(() => undefined);
      await eventually(async () => (await one.inspect('k'))?.waiters === count + 1);
    }
    const shown = await cli(['inspect', 'k', '--json', ...flags()]);
    expect(shown.code).toBe(0);
    const [view] = jsonLines(shown);
    const queue = view?.queue as { processId: string; ownerId: string; silentFor: number }[];
    expect(view).toMatchObject({ key: 'k', held: true, foreign: false });
    expect(queue).toHaveLength(2);
    for (const { processId, ownerId, silentFor } of queue) {
      expect(ownerId.startsWith(processId)).toBe(true);
      expect(processId).toContain('~');
      expect(silentFor).toBeLessThan(60_000);
    }
    const text = await cli(['inspect', 'k'], env());
    expect(text.stdout).toMatch(/^Key +k\nHolder +\S+\nInstance +\S+\nToken +\d+\nGranted .*\nExpires +in /);
    expect(text.stdout).toMatch(/2 processes wait\n +1 {2}\S+, process \S+ {2}heard .* ago\n +2 {2}\S+, process /);

    const free = await cli(['inspect', 'free', '--json', ...flags()]);
    expect(free).toMatchObject({ code: 1, stdout: '{"key":"free","held":false}\n' });
  });

  it('release takes the lock from its holder, who learns of it, and hands it to the next in the queue', async () => {
    const [one, two] = [await store.open({ expire: '3s' }), await store.open()];
    const { ended } = await hold(one, 'k');
    const next = hold(two, 'k');
    await eventually(async () => (await one.inspect('k'))?.waiters === 1);

    const asked = await cli(['release', 'k', ...flags()]);
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain('Give --yes');

    const token = Number((await one.inspect('k'))?.fencingToken);
    const other = await cli(['release', 'k', '--yes', '--token', String(token + 1), ...flags()]);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain(`its token is ${String(token)} now`);
    expect((await one.inspect('k'))?.fencingToken).toBe(token);

    const released = await cli(['release', 'k', '--yes', '--token', String(token), '--json', ...flags()]);
    expect(released.code).toBe(0);
    expect(jsonLines(released)).toMatchObject([{ key: 'k', released: true }]);
    await next;
    expect(await ended).toMatchObject({ code: 'LOCK_LOST' });
    expect(jsonLines(released)[0]?.next).toBe((await two.inspect('k'))?.ownerId);

    const free = await cli(['release', 'nothing', '--yes', ...flags()]);
    expect(free).toMatchObject({ code: 1, stdout: '' });
    expect(free.stderr).toContain('"nothing" is free');
    // Four programs are started one after the other.
  }, 90_000);

  it('a lock that has passed on since it was shown is not released', async () => {
    const locking = await store.open();
    const first = await locking.acquire('k', { ownerId: 'same' });
    const seen = { key: 'k', ownerId: 'same', fencingToken: first.fencingToken, ttl: null };
    await first.release();
    const second = await locking.acquire('k', { ownerId: 'same' });
    const { resolve, options } = use();
    const provider = new resolve(options, { id: 'other', warn: () => undefined });
    await provider.connect(() => undefined);
    try {
      expect(await provider.revokeSeen(seen)).toBe(false);
      expect(await provider.revokeSeen({ ...seen, ownerId: 'another', fencingToken: second.fencingToken })).toBe(false);
      expect((await locking.inspect('k'))?.fencingToken).toBe(second.fencingToken);
      expect(await provider.revokeSeen({ ...seen, fencingToken: second.fencingToken })).toBe(true);
      expect(await locking.inspect('k')).toBeNull();
    } finally {
      await provider.close();
    }
  });

  it('says which instance holds a lock and what it is called', async () => {
    const locking = await store.open();
    await locking.acquire('labelled', { label: 'nightly report' });
    const { instanceId } = (await locking.inspect('labelled')) ?? {};
    expect(instanceId).toBeTruthy();
    const [row] = jsonLines(await cli(['list', '--json'], env()));
    expect(row).toMatchObject({ key: 'labelled', instanceId, label: 'nightly report' });
    expect((await cli(['list'], env())).stdout).toContain(`${String(instanceId)} nightly report`);
    const shown = await cli(['inspect', 'labelled'], env());
    expect(shown.stdout).toContain(`Instance ${String(instanceId)}\nLabel    nightly report\n`);
  });

  it('watch without a terminal prints one line per change', async () => {
    const locking = await store.open();
    await hold(locking, 'first');
    const child = spawn(process.execPath, [CLI, 'watch', '--json', '--interval', '200ms', ...flags()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    const changes = () =>
      stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const seen = (change: string, key: string) => changes().some((one) => one.change === change && one.key === key);
    try {
      await eventually(() => seen('held', 'first'), 60_000);
      const { end } = await hold(locking, 'second');
      await eventually(() => seen('acquired', 'second'), 60_000);
      end();
      await eventually(() => seen('freed', 'second'), 60_000);
      expect(seen('freed', 'first')).toBe(false);
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  it('stats counts locks by the beginning of their keys', async () => {
    const locking = await store.open();
    await hold(locking, 'order:1');
    await hold(locking, 'order:2');
    await locking.acquire('cart/1', { ownerId: 'me' });
    const [stats] = jsonLines(await cli(['stats', '--json', ...flags()]));
    expect(stats).toMatchObject({ held: 3, neverExpire: 1, foreign: 0, waiting: 0, longestQueue: null });
    expect(stats?.byPrefix).toEqual([
      { prefix: 'order:', held: 2 },
      { prefix: 'cart/', held: 1 },
    ]);
  });
});
