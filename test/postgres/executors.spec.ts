import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import {
  fromDrizzle,
  fromKnex,
  fromKysely,
  fromMikroOrm,
  fromPrisma,
  fromTypeOrm,
  type PostgresExecutor,
} from '../../lib/index.js';
import { explainError } from '../../lib/providers/postgres/postgres-errors.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { usePostgresServer } from '../support/postgres.js';
import { listener, request, useProviders } from './support.js';

interface Pool {
  query(sql: string, values?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
}
const { Pool } = createRequire(import.meta.url)('pg') as { Pool: new (options: object) => Pool };

let pool: Pool;
// Before the server ends, whose own hook comes after this one.
afterAll(async () => {
  await pool.end();
});
const postgres = usePostgresServer();
const providers = useProviders();
beforeAll(() => {
  pool = new Pool({ connectionString: postgres.url });
});

const rows = async (sql: string, values: readonly unknown[] = []) => (await pool.query(sql, values)).rows;

/** As Knex reads a statement: each `?` is a parameter, and `\?` is none. */
const numbered = (sql: string): string => {
  let count = 0;
  return sql.replace(/\\\?|\?/g, (mark) => (mark === '?' ? `$${String((count += 1))}` : '?'));
};

/** What each library does with a statement, on the pool of the test. The libraries themselves are too large to install. */
const executors: [string, () => PostgresExecutor][] = [
  ['TypeORM', () => fromTypeOrm({ query: async (sql, values) => rows(sql, values) })],
  ['Prisma', () => fromPrisma({ $queryRawUnsafe: async (sql, ...values) => rows(sql, values) })],
  ['Knex', () => fromKnex({ raw: async (sql: string, values: never) => pool.query(numbered(sql), values) })],
  ['Drizzle on pg', () => fromDrizzle({ $client: pool })],
  ['Drizzle on postgres.js', () => fromDrizzle({ $client: { unsafe: rows } })],
  [
    'Kysely',
    () =>
      fromKysely({
        executeQuery: async ({ sql, parameters }: { sql: string; parameters: string[] }) => pool.query(sql, parameters),
      }),
  ],
  [
    'MikroORM',
    () => {
      const execute = async (sql: string, values: string[]) => rows(values.length === 0 ? sql : numbered(sql), values);
      return fromMikroOrm({ em: { getConnection: () => ({ execute }) } });
    },
  ],
];

describe.each(executors)('an executor of %s', (_, make) => {
  it('creates the tables, locks, and queues, whatever the names', async () => {
    const schema = `a ? "b" $1 ${randomUUID().slice(0, 8)}`;
    const { provider, warnings } = await providers.connect({ executor: make(), schema, listenUrl: postgres.url });
    const heard: string[] = [];
    await provider.listen('process', listener(heard));
    const key = `what? $1 \\ 'ü"\0`;
    const held = request(key);
    expect((await provider.acquire(held)).granted).toBe(true);
    expect(await provider.acquire(request(key, { queue: true }))).toMatchObject({ granted: false, queued: true });
    expect(await provider.release(held)).toEqual(['freed']);
    await eventually(() => heard.includes(`granted ${key}`));
    expect(warnings).toEqual([]);
  });
});

describe('an executor that does not settle a statement', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('fails that statement after a while, and the next ones for its key go on', async () => {
    const inner = fromTypeOrm({ query: async (sql, values) => rows(sql, values) });
    let isSilent = false;
    const executor: PostgresExecutor = {
      query: async (sql, parameters) => {
        if (!isSilent) return inner.query(sql, parameters);
        isSilent = false;
        return new Promise<never>(() => undefined);
      },
    };
    const { provider } = await providers.connect({ executor, schema: `silent_${randomUUID().slice(0, 8)}` });
    const held = request('k');
    await provider.acquire(held);
    const every = [
      'setTimeout',
      'clearTimeout',
      'setImmediate',
      'clearImmediate',
      'nextTick',
      'queueMicrotask',
    ] as const;
    jest.useFakeTimers({ doNotFake: [...every, 'performance', 'Date', 'hrtime'] });
    isSilent = true;
    const unanswered = rejectionOf(Promise.resolve(provider.extend({ ...held, ttl: 60_000 })));
    const next = provider.release(held);
    await jest.advanceTimersByTimeAsync(8000);
    expect((await unanswered).message).toMatch(/the executor has not settled a statement for 6 s/);
    expect(await next).toEqual(['freed']);
  });
});

describe('an error of the server', () => {
  const server = (code: string, severity?: string) => ({ message: 'as the server says', code, severity });

  it.each([
    ['pg', server('40P01', 'ERROR'), 'StoreNotReachedError'],
    ['pg, at the end of the connection', server('57P01', 'FATAL'), 'PostgresError'],
    ['TypeORM', { message: 'of TypeORM', code: '55P03', severity: 'ERROR' }, 'StoreNotReachedError'],
    ['MikroORM', { message: 'of MikroORM', cause: server('55P03', 'ERROR') }, 'StoreNotReachedError'],
    [
      'Prisma 7',
      { code: 'P2010', meta: { driverAdapterError: { cause: server('42883', 'ERROR') } } },
      'StoreNotReachedError',
    ],
    [
      'Prisma 7, lost',
      { code: 'P2010', meta: { driverAdapterError: { cause: server('57P01', 'FATAL') } } },
      'PostgresError',
    ],
    ['Prisma 6', { code: 'P2010', meta: { code: '40001', message: 'of the server' } }, 'StoreNotReachedError'],
    ['Prisma 6, lost', { code: 'P2010', meta: { code: '57P01', message: 'of the server' } }, 'PostgresError'],
    ['Prisma, not connected', { code: 'P1001', message: 'cannot reach the server' }, 'PostgresError'],
    ['Node', Object.assign(new Error('reset'), { code: 'ECONNRESET' }), 'PostgresError'],
  ])('as %s gives it tells whether anything may have been changed', (_, error, name) => {
    expect(explainError(error).name).toBe(name);
  });
});
