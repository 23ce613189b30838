import { afterEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { StoreNotReachedError, type PostgresExecutor } from '../../lib/index.js';
import type { PgClient } from '../../lib/providers/postgres/pg-types.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { rowsOf, usePostgresServer } from '../support/postgres.js';
import { listener, makeUser, request, useProviders, type Connected } from './support.js';

const postgres = usePostgresServer();
const providers = useProviders();
const { Client } = createRequire(import.meta.url)('pg') as { Client: new (options: object) => PgClient };

const sessions: PgClient[] = [];
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.end()));
});

/** A connection of the application, for transactions. */
async function session(url = postgres.url): Promise<PgClient> {
  const client = new Client({ connectionString: url });
  await client.connect();
  sessions.push(client);
  return client;
}

const lease = 'nestjs_locking.lease';

async function connect(): Promise<Connected & { namespace: string }> {
  const namespace = randomUUID();
  return { namespace, ...(await providers.connect({ connectionString: postgres.url, namespace })) };
}

describe('a transaction that relies on the grant of a key', () => {
  /** What a check of a fencing token in a transaction does: `FOR KEY SHARE` on the row. */
  const rely = async (namespace: string): Promise<PgClient> => {
    const transaction = await session();
    await transaction.query('BEGIN');
    await transaction.query(`SELECT 1 FROM ${lease} WHERE namespace = $1 AND key = 'k' FOR KEY SHARE`, [namespace]);
    return transaction;
  };

  it('does not hinder renewals, refusals, nor the queue', async () => {
    const { provider, namespace } = await connect();
    const held = request('k');
    await provider.acquire(held);
    await provider.listen('process', listener([]));
    const transaction = await rely(namespace);
    expect(await provider.extend({ keys: ['k'], ownerId: held.ownerId, ttl: 60_000 })).toEqual([true]);
    expect((await provider.acquire(request('k', { queue: true }))).granted).toBe(false);
    await transaction.query('ROLLBACK');
  });

  it.each(['expired', 'released', 'revoked', 'cancelled', 'handed on'])(
    'ends before the key is granted again that was %s',
    async (how) => {
      const { provider, namespace } = await connect();
      const heard: string[] = [];
      await provider.listen('process', listener(heard));
      const held = request('k');
      await provider.acquire(held);
      if (how === 'handed on') await provider.acquire(request('k', { queue: true }));
      const transaction = await rely(namespace);
      if (how === 'expired') {
        await rowsOf(postgres.url, `UPDATE ${lease} SET until = now() - interval '1 s' WHERE namespace = $1`, [
          namespace,
        ]);
      } else if (how === 'revoked') await provider.revoke(['k']);
      else if (how === 'cancelled') await provider.cancel({ ...held, pending: false });
      else await provider.release(held);
      for (const keys of [['k'], ['j', 'k']]) {
        const refused = await provider.acquire(request('k', { keys }));
        expect(refused).toMatchObject({ granted: false, key: 'k', remaining: 100 });
      }
      expect(heard).not.toContain('granted k');
      expect(await provider.inspect(['j'])).toEqual([null]);
      await transaction.query('COMMIT');
      if (how === 'handed on') {
        expect((await provider.acquire(request('k'))).granted).toBe(false);
        await eventually(() => heard.includes('granted k'));
      } else expect((await provider.acquire(request('k'))).granted).toBe(true);
    },
  );
});

describe('what a command waits for at its end', () => {
  it('is the disk for grants, hand-offs, renewals and tombstones, and nothing for the rest', async () => {
    const { provider, namespace } = await connect();
    const client = await session();
    await provider.listen('process', listener([]));
    const durable = async (name: string, rest: object): Promise<boolean> => {
      await client.query('BEGIN');
      await client.query(`SELECT nestjs_locking.${name}_v1($1)`, [JSON.stringify({ namespace, ...rest })]);
      const { rows } = await client.query('SHOW synchronous_commit');
      await client.query('COMMIT');
      return rows[0]?.synchronous_commit === 'on';
    };
    const ask = { ttl: 30_000, tokens: 1, owned: false, process: null };
    const end = { keep: null, cancel: false, process: null, tombstone: null };
    expect(await durable('acquire', { ...ask, items: [['k', 'a.1', 'a']] })).toBe(true);
    expect(await durable('acquire', { ...ask, items: [['k', 'b.1', 'b']] })).toBe(false);
    expect(await durable('acquire', { ...ask, process: 'process', items: [['k', 'process.1', 'b']] })).toBe(false);
    expect(
      await durable('acquire', {
        ...ask,
        items: [
          ['k', 'b.1', 'b'],
          ['free', 'b.1', 'b'],
        ],
      }),
    ).toBe(true);
    expect(await durable('acquire', { ...ask, items: [['k', 'a.2', 'a']] })).toBe(true);
    expect(await durable('extend', { ttl: 60_000, requests: [['a', 'k']] })).toBe(true);
    expect(
      await durable('acquire_all', { ttl: 1, owned: false, attempt: 'c.1', owner: 'c', keys: [['k'], ['l']] }),
    ).toBe(false);
    // To the process in the queue.
    expect(await durable('release', { ...end, items: [['k', null, 'a']] })).toBe(true);
    expect(await durable('release', { ...end, items: [['free', 'b.1', 'b']] })).toBe(false);
    expect(await durable('release', { ...end, cancel: true, tombstone: 1000, items: [['free', 'b.2', 'b']] })).toBe(
      true,
    );
    // A refusal that finds an expired key hands it to the process in the queue.
    await provider.acquire(request('k', { queue: true }));
    await rowsOf(postgres.url, `UPDATE ${lease} SET until = now() - interval '1 s' WHERE namespace = $1`, [namespace]);
    expect(await durable('acquire', { ...ask, items: [['k', 'd.1', 'd']] })).toBe(true);
  });
});

describe('a batch', () => {
  /** Counts statements. */
  const counted = async (): Promise<Connected & { count: () => number }> => {
    const client = await session();
    let count = 0;
    const executor: PostgresExecutor = {
      query: async (sql, parameters) => {
        count += 1;
        return (await client.query(sql, [...parameters])).rows;
      },
    };
    const connected = await providers.connect({ executor, namespace: randomUUID() });
    count = 0;
    return { ...connected, count: () => count };
  };

  it('of 200 keys is one statement, whatever is asked', async () => {
    const { provider, count } = await counted();
    const asked = Array.from({ length: 200 }, (_, index) => request(`k${index}`));
    const granted = await Promise.all(provider.acquireBatch(asked));
    expect(granted.filter((answer) => answer.granted)).toHaveLength(200);
    expect(count()).toBe(1);
    await Promise.all(provider.extendBatch(asked.map(({ keys, ownerId }) => ({ keys, ownerId, ttl: 60_000 }))));
    expect(count()).toBe(2);
    await Promise.all(provider.releaseBatch(asked));
    expect(count()).toBe(3);
    const all = request('', { keys: asked.flatMap(({ keys }) => keys) });
    expect((await provider.acquire(all)).granted).toBe(true);
    await provider.release(all);
    expect(count()).toBe(5);
  });

  it('keeps the order of the requests for a key, over all connections', async () => {
    const { provider } = await connect();
    for (let round = 0; round < 20; round += 1) {
      const [first, second] = [request('k'), request('k')];
      const answers = [
        ...provider.acquireBatch([first]),
        ...provider.acquireBatch([request('k'), request('other')]),
        ...provider.releaseBatch([first]),
        ...provider.acquireBatch([second]),
        ...provider.releaseBatch([second]),
      ];
      const [one, two, three, four, five, six] = await Promise.all(answers as PromiseLike<unknown>[]);
      expect([one, two, three].map((answer) => (answer as { granted: boolean }).granted)).toEqual([
        true,
        false,
        round === 0,
      ]);
      expect([four, six]).toEqual([['freed'], ['freed']]);
      expect(five).toMatchObject({ granted: true });
    }
  });

  it('never deadlocks with another one, in whatever order they name their keys', async () => {
    const [one, two] = await Promise.all([connect(), connect()]);
    const other = await providers.connect({ connectionString: postgres.url, namespace: one.namespace });
    await two.provider.close();
    const keys = Array.from({ length: 40 }, (_, index) => `k${index}`);
    const work = async ({ provider }: Connected, order: string[]): Promise<void> => {
      for (let round = 0; round < 30; round += 1) {
        const asked = order.map((key) => request(key));
        await Promise.all(provider.acquireBatch(asked));
        await provider.acquire(request('', { keys: order.slice(0, 20) }));
        await Promise.all(
          provider.extendBatch(asked.map(({ keys: [key = ''], ownerId }) => ({ keys: [key], ownerId, ttl: 60_000 }))),
        );
        await Promise.all(provider.releaseBatch(asked));
        await provider.revoke(order.slice(10, 30));
      }
    };
    await Promise.all([
      work(one, keys),
      work(other, [...keys].reverse()),
      work(
        one,
        [...keys].sort((a, b) => (Number(a.slice(1)) % 7) - (Number(b.slice(1)) % 7)),
      ),
    ]);
  }, 60_000);
});

describe('the sweep', () => {
  const age = async (namespace: string): Promise<void> => {
    await rowsOf(
      postgres.url,
      `UPDATE ${lease} SET until = until - interval '10 min' WHERE namespace = $1 AND until < now() + interval '1 min'`,
      [namespace],
    );
    await rowsOf(postgres.url, `UPDATE nestjs_locking.meta SET swept_at = '-infinity'`);
  };
  const sweep = async (): Promise<unknown> => {
    const [row] = await rowsOf(postgres.url, `SELECT nestjs_locking.sweep_v1('{}') AS answer`);
    return (JSON.parse(String(row?.answer)) as unknown[]).slice(1);
  };
  const keysIn = async (namespace: string): Promise<unknown[]> =>
    (await rowsOf(postgres.url, `SELECT key FROM ${lease} WHERE namespace = $1 ORDER BY key`, [namespace])).map(
      ({ key }) => key,
    );

  it('deletes the rows of keys that are not held, at most once in 10 s, and tokens go on growing', async () => {
    const { provider, namespace } = await connect();
    const block = { tokens: 10_000_000_000_000 };
    const [ended, expired] = [request('ended', block), request('expired', { ...block, ttl: 1 })];
    const answers = [await provider.acquire(ended), await provider.acquire(expired)];
    await provider.acquire(request('held', { ttl: 3_600_000 }));
    await provider.acquire(request('for ever', { ttl: null }));
    await provider.release(ended);
    await age(namespace);
    expect(await sweep()).toEqual([expect.any(Number), 0]);
    expect(await keysIn(namespace)).toEqual(['for ever', 'held']);
    expect(await sweep()).toEqual([0, 1]);
    for (const [index, key] of ['ended', 'expired'].entries()) {
      const before = answers[index];
      const after = await provider.acquire(request(key));
      if (!before?.granted || !after.granted) throw new Error('not granted');
      expect(after.fencingTokens[0]).toBeGreaterThanOrEqual((before.fencingTokens[0] ?? 0) + block.tokens);
    }
  });

  it('keeps rows with tombstones and queues, and deletes those of processes that have died in a queue', async () => {
    const { provider, namespace } = await connect();
    await provider.cancel({ ...request('tombstone'), pending: true });
    await provider.acquire(request('queue', { ttl: 1 }));
    await provider.listen('process', listener([]));
    await rowsOf(
      postgres.url,
      `INSERT INTO nestjs_locking.queue VALUES ($1, 'queue', 'process', 1, 'process.1', 'process', NULL, 1, now())`,
      [namespace],
    );
    await rowsOf(postgres.url, `UPDATE ${lease} SET busy = true WHERE namespace = $1`, [namespace]);
    await age(namespace);
    await sweep();
    expect(await keysIn(namespace)).toEqual(['queue', 'tombstone']);
    await rowsOf(
      postgres.url,
      `UPDATE nestjs_locking.queue SET seen = now() - interval '10 min' WHERE namespace = $1`,
      [namespace],
    );
    await rowsOf(postgres.url, `UPDATE ${lease} SET tombstones = jsonb_build_object('x', 1) WHERE namespace = $1`, [
      namespace,
    ]);
    await age(namespace);
    await sweep();
    expect(await keysIn(namespace)).toEqual([]);
    expect(await rowsOf(postgres.url, `SELECT 1 FROM nestjs_locking.queue WHERE namespace = $1`, [namespace])).toEqual(
      [],
    );
  });
});

describe('an error of the server', () => {
  it('that ends a command says what it means and what to do, and that nothing was changed', async () => {
    const { namespace } = await connect();
    const user = await makeUser(postgres.url, 'SUPERUSER');
    await rowsOf(postgres.url, `ALTER ROLE "${user.name}" SET lock_timeout = '50ms'`);
    const { provider } = await providers.connect({ connectionString: user.url, namespace });
    await provider.acquire(request('k'));
    const transaction = await session();
    await transaction.query('BEGIN');
    await transaction.query(`SELECT 1 FROM ${lease} WHERE namespace = $1 FOR UPDATE`, [namespace]);
    const error = await rejectionOf(provider.acquire(request('k')));
    await transaction.query('ROLLBACK');
    expect(error).toBeInstanceOf(StoreNotReachedError);
    expect(error.message).toContain('another transaction keeps a row locked for longer than lock_timeout');
    expect(error).toHaveProperty('remedy', expect.stringContaining('lock.assertIn()'));
  });

  it('at connecting says what to do, and that nothing was sent', async () => {
    const { name } = await makeUser(postgres.url, 'CONNECTION LIMIT 0');
    const url = new URL(postgres.url);
    url.username = name;
    const { provider } = providers.make({ connectionString: url.href });
    const error = await rejectionOf(provider.connect(() => undefined));
    expect(error).toBeInstanceOf(StoreNotReachedError);
    expect(error.message).toContain('the server has as many connections as it accepts');
    expect(error).toHaveProperty('remedy', expect.stringContaining('max_connections'));
    url.pathname = '/nowhere';
    url.username = 'postgres';
    const missing = await rejectionOf(providers.make({ connectionString: url.href }).provider.acquire(request('k')));
    expect(missing.message).toContain('there is no such database');
  });
});
