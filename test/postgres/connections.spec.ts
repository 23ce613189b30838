import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import {
  StoreNotReachedError,
  type LeaseAnswer,
  type PostgresExecutor,
  type PostgresLockingProviderOptions,
} from '../../lib/index.js';
import type { PgPool } from '../../lib/providers/postgres/pg-types.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { rowsOf, usePostgresServer } from '../support/postgres.js';
import { useProxies } from '../support/tcp-proxy.js';
import { listener, request, useProviders } from './support.js';

const postgres = usePostgresServer();
const providers = useProviders();
const proxyBefore = useProxies();
const { Pool } = createRequire(import.meta.url)('pg') as { Pool: new (options: object) => PgPool };

/** Options of a store of its own, whose connections can be told by their name. */
function separate(more: Partial<PostgresLockingProviderOptions> = {}): {
  options: PostgresLockingProviderOptions;
  name: string;
} {
  const name = randomUUID();
  const url = new URL(postgres.url);
  url.searchParams.set('application_name', name);
  return { name, options: { connectionString: url.href, namespace: name, ...more } };
}

/** The last bytes of a command. */
const END_OF_COMMAND = Buffer.from(' AS answer\0');

/** Ends connections of an application; `LISTEN` is the last statement but one of a listening session. */
async function terminate(name: string, which: 'commands' | 'listener'): Promise<number> {
  const rows = await rowsOf(
    postgres.url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity AS a WHERE application_name = $1 AND
       EXISTS (SELECT 1 FROM pg_locks AS l WHERE l.pid = a.pid AND locktype = 'advisory') = ($2 = 'listener')`,
    [name, which],
  );
  return rows.length;
}

/** The same URL, through a proxy. */
function through(proxy: { port: number }, url: string | undefined): string {
  const other = new URL(String(url));
  other.port = String(proxy.port);
  return other.href;
}

describe('the end of a provider', () => {
  it('does not wait for a command that is never answered', async () => {
    const { options } = separate();
    const proxy = await proxyBefore(postgres.server.port);
    const { provider } = await providers.connect({
      ...options,
      connectionString: through(proxy, options.connectionString),
    });
    const held = request('k');
    await provider.acquire(held);
    for (const connection of proxy.connections) connection.loseAnswers();
    let isAnswered = false;
    const failed = rejectionOf(Promise.resolve(provider.release(held))).finally(() => (isAnswered = true));
    // The release is under way.
    await eventually(() => proxy.connections.some(({ lost }) => lost > 0));
    expect(isAnswered).toBe(false);
    await provider.close();
    expect((await failed).message).toMatch(/lost before the answer came/);
  });
});

describe('an acquire that arrives after it was cancelled', () => {
  it('is refused, whether the key is new, free or held', async () => {
    for (const state of ['new', 'free', 'held'] as const) {
      const { options } = separate();
      const proxy = await proxyBefore(postgres.server.port);
      const late = await providers.connect({ ...options, connectionString: through(proxy, options.connectionString) });
      const { provider } = await providers.connect(options);
      const before = request('k');
      if (state !== 'new') await provider.acquire(before);
      if (state === 'free') await provider.release(before);

      const asked = request('k', { queue: true });
      for (const connection of proxy.connections) connection.keep();
      proxy.onConnection = (connection) => {
        connection.destroy();
      };
      const failed = rejectionOf(late.provider.acquire(asked));
      const connection = await new Promise<(typeof proxy.connections)[number]>((resolve) => {
        void eventually(() => {
          const found = proxy.connections.find((one) => one.keepsUntil(END_OF_COMMAND));
          if (found) resolve(found);
          return found !== undefined;
        });
      });
      connection.cut();
      expect(await failed).not.toBeInstanceOf(StoreNotReachedError);
      await provider.cancel({ ...asked, pending: true });
      await connection.deliver();
      if (state === 'held') await provider.release(before);
      expect(await provider.inspect(['k'])).toEqual([null]);
    }
  });
});

describe('a command of which the server gets a part only', () => {
  const pools: PgPool[] = [];

  // Its connection never answers: the end of the proxies ends it.
  afterEach(() => {
    for (const pool of pools.splice(0)) void pool.end();
  });

  /** An executor that hands its parameters on to `pg`, as ORMs do. */
  const executorOn = (connectionString: string): PostgresExecutor => {
    const pool = new Pool({ connectionString, max: 1 });
    pools.push(pool);
    pool.on('error', () => undefined);
    return {
      query: async (sql, parameters) => {
        const client = await pool.connect();
        client.on('error', () => undefined);
        try {
          return (await client.query(sql, [...parameters])).rows;
        } finally {
          client.release();
        }
      },
    };
  };

  it.each([
    ['connectionString', 1],
    ['connectionString', 5],
    ['connectionString', 30],
    ['executor', 1],
    ['executor', 5],
    ['executor', 30],
  ])('locks nothing when the last bytes are missing (%s, %i of them)', async (how, missing) => {
    const { options } = separate();
    const { namespace } = options;
    const proxy = await proxyBefore(postgres.server.port);
    const url = through(proxy, options.connectionString);
    const cut = await providers.connect(
      how === 'executor' ? { executor: executorOn(url), namespace } : { ...options, connectionString: url },
    );
    const { provider } = await providers.connect(options);
    const first = request('k');
    await provider.acquire(first);
    await provider.release(first);

    for (const connection of proxy.connections) connection.keep();
    void rejectionOf(cut.provider.acquire(request('k')));
    await eventually(() => {
      const connection = proxy.connections.find((one) => one.keepsAnything);
      return connection?.deliverAllBut(missing) === true;
    });
    // So many that the server has read the part in the meantime.
    for (let count = 0; count < 100; count += 1) {
      const next = request('k');
      expect((await provider.acquire(next)).granted).toBe(true);
      expect(await provider.release(next)).toEqual(['freed']);
    }
  });
});

describe('a connection that has gone dark', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is told with the address of the server before the command is given up, once others are not answered either', async () => {
    const proxy = await proxyBefore(postgres.server.port);
    const url = new URL(through(proxy, separate().options.connectionString));
    url.password = 'secret';
    const { provider, warnings } = await providers.connect({ connectionString: url.href });
    proxy.onConnection = (connection) => {
      connection.goDark();
    };
    proxy.goDark();
    const others = [
      'setTimeout',
      'clearTimeout',
      'setImmediate',
      'clearImmediate',
      'nextTick',
      'queueMicrotask',
    ] as const;
    // The looks at what is under way come by setInterval.
    jest.useFakeTimers({ doNotFake: [...others, 'performance', 'Date', 'hrtime'] });
    void rejectionOf(Promise.resolve(provider.acquire(request('k'))));
    // Three looks of seven, after which it would be given up.
    await jest.advanceTimersByTimeAsync(3000);
    await eventually(() => warnings.length > 0);
    expect(warnings).toEqual([
      expect.stringContaining(`PostgreSQL at 127.0.0.1:${String(proxy.port)} in "locking-postgres" provider lost`),
    ]);
    expect(warnings[0]).toContain('the server has answered nothing for 3 s');
    expect(warnings[0]).not.toContain('secret');
  });

  it('is not told while other commands are answered', async () => {
    const { options } = separate();
    const proxy = await proxyBefore(postgres.server.port);
    const { provider, warnings, events } = await providers.connect({
      ...options,
      connectionString: through(proxy, options.connectionString),
    });
    await provider.acquire(request('other'));
    proxy.goDark();
    const dark = rejectionOf(Promise.resolve(provider.acquire(request('k'))));
    for (let count = 0; count < 20; count += 1)
      await provider.acquire(request(`other ${String(count)}`)).then(undefined, () => undefined);
    await dark;
    await eventually(() => events.includes('replaced'));
    expect(warnings).toEqual([]);
  }, 30_000);

  it('is given up after some seconds, and the next command goes over another one', async () => {
    const { options } = separate();
    const proxy = await proxyBefore(postgres.server.port);
    const { provider, events } = await providers.connect({
      ...options,
      connectionString: through(proxy, options.connectionString),
    });
    const heard: string[] = [];
    await provider.listen('process', listener(heard));
    proxy.goDark();
    const error = await rejectionOf(provider.acquire(request('k')));
    expect(error.message).toContain('has answered nothing for 6 s');
    expect((await provider.acquire(request('other'))).granted).toBe(true);
    expect(events).toContain('replaced');
    await eventually(() => heard.includes('interrupted') && heard.includes('restored'), 15_000);
  }, 30_000);
});

describe('a connection for commands that the server ends', () => {
  it('is replaced, and the engine is told that another server may answer', async () => {
    const { name, options } = separate();
    const { provider, warnings, events } = await providers.connect(options);
    const held = request('k');
    expect((await provider.acquire(held)).granted).toBe(true);
    // All connections of the pool.
    await Promise.all(Array.from({ length: 10 }, async (_, index) => provider.acquire(request(`other ${index}`))));
    expect(await terminate(name, 'commands')).toBeGreaterThan(3);
    await eventually(() => events.includes('replaced'));
    expect(await provider.extend({ keys: ['k'], ownerId: held.ownerId, ttl: 60_000 })).toEqual([true]);
    // No outage: other connections led to the server all the while.
    expect(warnings).toEqual([]);
  });

  it('leaves open what a command under way has done, which asked again has the same answer', async () => {
    const { name, options } = separate();
    const { provider } = await providers.connect(options);
    await provider.acquire(request('other'));
    // A transaction that keeps the row makes the command wait.
    const pool = new Pool({ connectionString: postgres.url, max: 1 });
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM nestjs_locking.lease WHERE namespace = $1 AND key = $2 FOR UPDATE', [
      name,
      'other',
    ]);
    const asked = request('other');
    const under = rejectionOf(provider.acquire(asked));
    await eventually(async () => (await waiting(name)) > 0);
    await terminate(name, 'commands');
    const error = await under;
    expect(error).not.toBeInstanceOf(StoreNotReachedError);
    expect(error.message).toContain('the server is being shut down or started');
    await client.query('COMMIT');
    client.release();
    await pool.end();
    const answer = await provider.acquire(asked);
    expect(answer.granted).toBe(false);
  });
});

async function waiting(name: string): Promise<number> {
  const sql = `SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`;
  return (await rowsOf(postgres.url, sql, [name])).length;
}

describe('the listening session', () => {
  it('is made again when the server ends it, and what was missed is told by the next question', async () => {
    const { name, options } = separate();
    const [waiter, holder] = await Promise.all([providers.connect(options), providers.connect(options)]);
    const heard: string[] = [];
    await waiter.provider.listen('waiter', listener(heard));
    expect(await terminate(name, 'listener')).toBe(1);
    await eventually(() => heard.includes('interrupted') && heard.includes('restored'));
    const held = request('k', { processId: 'holder' });
    await holder.provider.acquire(held);
    const asked = request('k', { processId: 'waiter', queue: true });
    expect(await waiter.provider.acquire(asked)).toMatchObject({ granted: false, queued: true });
    await holder.provider.release(held);
    await eventually(() => heard.includes('granted k'));
  });

  it('takes the place of a former one that the server still takes for alive', async () => {
    const { name, options } = separate();
    const proxy = await proxyBefore(postgres.server.port);
    const waiter = await providers.connect({ ...options, listenUrl: through(proxy, options.connectionString) });
    const heard: string[] = [];
    await waiter.provider.listen('waiter', listener(heard));
    const sessions = async () =>
      rowsOf(
        postgres.url,
        `SELECT a.pid FROM pg_stat_activity AS a JOIN pg_locks AS l USING (pid)
         WHERE application_name = $1 AND locktype = 'advisory'`,
        [name],
      );
    const [before] = await sessions();
    // The server does not hear that the connection has ended.
    for (const connection of proxy.connections) {
      connection.keep();
      connection.cut();
    }
    await eventually(() => heard.includes('restored'));
    const after = await sessions();
    expect(after).toHaveLength(1);
    expect(after[0]?.pid).not.toBe(before?.pid);
  });

  it('of a process that has died is not waited for: the next waiter gets the key at once', async () => {
    const { options } = separate();
    const [dead, next, holder] = await Promise.all([
      providers.connect(options),
      providers.connect(options),
      providers.connect(options),
    ]);
    const heard: string[] = [];
    await dead.provider.listen('dead', listener([]));
    await next.provider.listen('next', listener(heard));
    const held = request('k', { processId: 'holder' });
    await holder.provider.acquire(held);
    await dead.provider.acquire(request('k', { processId: 'dead', queue: true }));
    await next.provider.acquire(request('k', { processId: 'next', queue: true }));
    await dead.provider.close();
    await eventually(async () => {
      const [found] = await rowsOf(postgres.url, `SELECT nestjs_locking.is_gone_v1($1, 'dead') AS gone`, [
        options.namespace,
      ]);
      return found?.gone === true;
    });
    await holder.provider.release(held);
    await eventually(() => heard.includes('granted k'));
  });

  it('tells of keys that are too long for a notification', async () => {
    const { options } = separate();
    const [waiter, holder] = await Promise.all([providers.connect(options), providers.connect(options)]);
    const heard: string[] = [];
    await waiter.provider.listen('waiter', listener(heard));
    const keys = ['x'.repeat(60_000), '\u0001'.repeat(1000), 'ü\\\0'.repeat(500)];
    for (const key of keys) {
      const held = request(key, { processId: 'holder' });
      await holder.provider.acquire(held);
      await waiter.provider.acquire(request(key, { processId: 'waiter', queue: true }));
      await holder.provider.release(held);
      await eventually(() => heard.includes(`granted ${key}`));
    }
  });
});

describe('a server that is killed and started again', () => {
  it('has kept what it granted, and waiters go on', async () => {
    const { options } = separate();
    const { provider, warnings, events } = await providers.connect(options);
    const heard: string[] = [];
    await provider.listen('process', listener(heard));
    const held = request('k');
    await provider.acquire(held);
    postgres.server.kill('SIGKILL');
    const refused = await rejectionOf(provider.acquire(request('other')));
    expect(refused).toBeInstanceOf(Error);
    await eventually(() => warnings.length > 0);
    await postgres.server.restart();
    await eventually(() => events.filter((event) => event === 'connected').length === 2 && heard.includes('restored'));
    expect(events.at(-1)).toBe('replaced');
    expect(warnings).toEqual([
      expect.stringMatching(/^Connection to PostgreSQL at \S+ in "locking-postgres" provider lost/),
    ]);
    const answer: LeaseAnswer = await provider.acquire(request('k', { queue: true }));
    expect(answer).toMatchObject({ granted: false, queued: true });
    await provider.release(held);
    await eventually(() => heard.includes('granted k'));
  });
});

describe('a pool of the application', () => {
  it('is borrowed from, listened beside, and left open', async () => {
    const pool = new Pool({ connectionString: postgres.url, max: 2 });
    const { provider } = await providers.connect({ pool, namespace: randomUUID() });
    const heard: string[] = [];
    await provider.listen('process', listener(heard));
    const held = request('k');
    await provider.acquire(held);
    await provider.acquire(request('k', { queue: true }));
    await provider.release(held);
    await eventually(() => heard.includes('granted k'));
    await provider.close();
    const client = await pool.connect();
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    client.release();
    await pool.end();
  });

  it('that has no connection to lend fails a command as not sent', async () => {
    const pool = new Pool({ connectionString: postgres.url, max: 1 });
    const { provider } = await providers.connect({ pool, namespace: randomUUID() });
    const client = await pool.connect();
    const error = await rejectionOf(provider.acquire(request('k')));
    client.release();
    expect(error).toBeInstanceOf(StoreNotReachedError);
    expect(error.message).toContain('the pool had no free connection for 6 s');
    await provider.close();
    await pool.end();
  }, 15_000);
});
