import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CheckpointService,
  fromKnex,
  fromKysely,
  fromMikroOrm,
  fromPrisma,
  fromTypeOrm,
  InMemoryLockingProvider,
  isLockConfigurationError,
  LockLostError,
  PostgresLockingProvider,
  RecordService,
  type LockingService,
  type LockTransaction,
} from '../../../lib/index.js';
import { useApplications } from '../../support/applications.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { rowsOf, usePostgresServer } from '../../support/postgres.js';

interface Client extends LockTransaction {
  connect(): Promise<void>;
  query(sql: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
}

interface Data {
  next: number;
}

const { Client } = createRequire(import.meta.url)('pg') as { Client: new (options: object) => Client };

const postgres = usePostgresServer();
const elsewhere = usePostgresServer();
const applications = useApplications();

let namespace = '';
let locking: LockingService;
let other: LockingService;
let client: Client;

async function open(connectionString = postgres.url) {
  const options = { connectionString, namespace };
  return applications.withLocks({ providers: [{ resolve: PostgresLockingProvider, options }] });
}

async function connect(connectionString = postgres.url): Promise<Client> {
  const made = new Client({ connectionString });
  await made.connect();
  return made;
}

beforeEach(async () => {
  namespace = `${randomUUID()}:`;
  [locking, other] = [(await open()).locking, (await open()).locking];
  client = await connect();
  await client.query('DROP TABLE IF EXISTS imported; CREATE TABLE imported (row int)');
});

afterEach(async () => {
  await client.end();
});

/** What the next holder finds. */
async function latest(by = other): Promise<Data | undefined> {
  return by.execute('import', async (lock) => (await lock.checkpoints<Data>().loadLatest())?.data);
}

/** Another instance has taken the key, which this one knows nothing of: an operator has revoked it there. */
async function takeAway(key: string): Promise<void> {
  await rowsOf(postgres.url, `UPDATE nestjs_locking.lease SET owner = NULL, attempts = '{}' WHERE key = '${key}'`);
}

/** Ends the transaction before its statement number `before`, which is committed by itself then. */
function rolledBackBefore(before: number): LockTransaction {
  let sent = 0;
  return {
    query: async (sql, values) => {
      sent += 1;
      if (sent === before) await client.query('ROLLBACK');
      return client.query(sql, [...values]);
    },
  };
}

describe('a checkpoint in a transaction of the application', () => {
  it('leaves nothing when the transaction is rolled back in the middle of the save, wherever that is', async () => {
    await locking.execute('import', async (lock) => {
      const checkpoints = lock.checkpoints<Data>({ keep: 1 });
      await checkpoints.save({ next: 500 });
      let before = 1;
      for (let refused = true; refused; before += 1) {
        await client.query('BEGIN');
        const error = await checkpoints
          .save({ next: 501 }, { transaction: rolledBackBefore(before) })
          .catch((reason: unknown) => reason);
        refused = error !== undefined && !('sequence' in (error as object));
        if (refused) expect(isLockConfigurationError(error)).toBe(true);
        await client.query('ROLLBACK');
        expect((await checkpoints.loadLatest())?.data).toEqual({ next: 500 });
        expect(await checkpoints.list()).toHaveLength(1);
      }
      // The place, the lock twice, the head twice, the data, what is not kept any more.
      expect(before).toBeGreaterThan(6);
    });
    // Ten saves and more, one after the other.
  }, 90_000);

  it.each(['COMMIT', 'ROLLBACK'])('stands or falls with what else the transaction writes: %s', async (end) => {
    await locking.execute('import', async (lock) => {
      const checkpoints = lock.checkpoints<Data>();
      await checkpoints.save({ next: 1 });
      await client.query('BEGIN');
      await client.query('INSERT INTO imported VALUES (1)');
      const info = await checkpoints.save({ next: 2 }, { transaction: client, progress: 'two' });
      expect(info).toMatchObject({ sequence: 2, progress: 'two', fencingToken: lock.fencingToken });
      // Nothing of it is to be seen from outside.
      expect(
        await rowsOf(
          postgres.url,
          `SELECT * FROM nestjs_locking.record WHERE namespace = '${namespace}' AND name = 'checkpoint-data/import/2'`,
        ),
      ).toEqual([]);
      await client.query(end);
      const isCommitted = end === 'COMMIT';
      expect((await checkpoints.loadLatest())?.data).toEqual({ next: isCommitted ? 2 : 1 });
      await checkpoints.save({ next: 3 });
      expect((await checkpoints.list()).map(({ sequence }) => sequence)).toEqual(isCommitted ? [1, 2, 3] : [1, 3]);
    });
    expect(await latest()).toEqual({ next: 3 });
    expect(await rowsOf(postgres.url, 'SELECT * FROM imported')).toHaveLength(end === 'COMMIT' ? 1 : 0);
  });

  it('is the first one as well, and many of them keep only the newest', async () => {
    await locking.execute('import', async (lock) => {
      const checkpoints = lock.checkpoints<Data>({ keep: 2 });
      for (let next = 1; next <= 5; next += 1) {
        await client.query('BEGIN');
        await checkpoints.save({ next }, { transaction: client });
        await client.query('COMMIT');
      }
      expect((await checkpoints.list()).map(({ sequence }) => sequence)).toEqual([4, 5]);
      expect(await checkpoints.load(3)).toBeNull();
    });
    const data = `SELECT name FROM nestjs_locking.record WHERE namespace = '${namespace}' AND name LIKE 'checkpoint-data/%' AND value IS NOT NULL`;
    expect(await rowsOf(postgres.url, data)).toHaveLength(2);
    expect(await latest()).toEqual({ next: 5 });
  });

  it('several saves of one transaction are several checkpoints, also when they are not awaited', async () => {
    await locking.execute('import', async (lock) => {
      const checkpoints = lock.checkpoints<Data>();
      await client.query('BEGIN');
      const saves = [1, 2, 3].map(async (next) => checkpoints.save({ next }, { transaction: client }));
      expect((await Promise.all(saves)).map((info) => info?.sequence)).toEqual([1, 2, 3]);
      await client.query('COMMIT');
      expect((await checkpoints.list()).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    });
  });

  it('is written at once whatever `every` says, and what that kept in memory is not written after it', async () => {
    await locking.execute('import', async (lock) => {
      const checkpoints = lock.checkpoints<Data>({ every: '1h' });
      await checkpoints.save({ next: 1 });
      expect(await checkpoints.save({ next: 2 })).toBeNull();
      await client.query('BEGIN');
      expect(await checkpoints.save({ next: 3 }, { transaction: client })).toMatchObject({ sequence: 2 });
      await client.query('COMMIT');
      await checkpoints.flush();
    });
    expect(await latest()).toEqual({ next: 3 });
  });

  it('a save that `every` delays within the transaction is written once that has ended', async () => {
    await locking.execute('import', async (lock) => {
      const checkpoints = lock.checkpoints<Data>({ every: '1h' });
      await client.query('BEGIN');
      await checkpoints.save({ next: 1 }, { transaction: client });
      expect(await checkpoints.save({ next: 2 })).toBeNull();
      await client.query('COMMIT');
    });
    expect(await latest()).toEqual({ next: 2 });
  });

  it('the save of a former holder is refused in its transaction, before it has written', async () => {
    const former = await locking.acquire('import');
    const checkpoints = former.checkpoints<Data>();
    await checkpoints.save({ next: 1 });
    await takeAway('import');
    const newer = await other.acquire('import');
    await client.query('BEGIN');
    await client.query('INSERT INTO imported VALUES (1)');
    // The next holder has not even looked at the checkpoints yet.
    expect(await rejectionOf(checkpoints.save({ next: 2 }, { transaction: client }))).toBeInstanceOf(LockLostError);
    expect((await client.query('SELECT * FROM imported')).rows).toHaveLength(1);
    await client.query('ROLLBACK');
    expect((await newer.checkpoints<Data>().loadLatest())?.data).toEqual({ next: 1 });
    await newer.release();
  });

  it('an older token is refused by the records as well', async () => {
    const lock = await locking.acquire('import');
    const { app } = await open();
    await app
      .get(RecordService)
      .write('checkpoint/import', { last: 7, entries: [] }, { token: lock.fencingToken + 1, ttl: '1h' });
    await client.query('BEGIN');
    const error = await rejectionOf(lock.checkpoints<Data>().save({ next: 1 }, { transaction: client }));
    expect(error).toBeInstanceOf(LockLostError);
    expect(error.message).toMatch(/^The checkpoint of "import" was refused/);
    const written = `SELECT 1 FROM nestjs_locking.record WHERE namespace = $1 AND name LIKE 'checkpoint-data/%'`;
    expect((await client.query(written, [namespace])).rows).toEqual([]);
    await client.query('ROLLBACK');
  });

  it('the next holder is not granted the key before the transaction has ended, and finds its checkpoint', async () => {
    const lock = await locking.acquire('import');
    await client.query('BEGIN');
    await lock.checkpoints<Data>().save({ next: 1 }, { transaction: client });
    expect(await lock.release()).toBe(true);
    expect(await other.tryAcquire('import')).toBeNull();
    const found = latest();
    await client.query('COMMIT');
    expect(await found).toEqual({ next: 1 });
  });

  it('a watch of records begins, and hears of it, while the transaction is open and when it has ended', async () => {
    const { app } = await open();
    const lock = await locking.acquire('import');
    await client.query('BEGIN');
    await lock.checkpoints<Data>().save({ next: 1 }, { transaction: client });
    let heard = 0;
    const unwatch = await app.get(RecordService).watch('checkpoint/import', () => (heard += 1));
    await client.query('COMMIT');
    await eventually(() => heard > 0);
    unwatch();
    await lock.release();
  });

  it('the other calls of the checkpoints wait for the end of the transaction', async () => {
    await locking.execute('import', async (lock) => {
      const checkpoints = lock.checkpoints<Data>();
      await checkpoints.save({ next: 1 });
      await client.query('BEGIN');
      await checkpoints.save({ next: 2 }, { transaction: client });
      const loading = checkpoints.loadLatest();
      await client.query('COMMIT');
      expect((await loading)?.data).toEqual({ next: 2 });
    });
  });

  it('the service saves in a transaction under the lock of the call chain', async () => {
    const { app, locking: own } = await open();
    await own.execute('import', async () => {
      await client.query('BEGIN');
      await app.get(CheckpointService).save('import', { next: 1 }, { transaction: client });
      await client.query('COMMIT');
    });
    expect(await latest()).toEqual({ next: 1 });
  });

  const numbered = (sql: string): string => {
    let count = 0;
    return sql.replace(/\\\?|\?/g, (mark) => (mark === '?' ? `$${String((count += 1))}` : '?'));
  };
  const run = async (sql: string, values: unknown[] = []) => (await client.query(sql, values)).rows;

  // What each library does with a statement, on the client of the test. The libraries themselves are too large to install.
  it.each<[string, () => LockTransaction]>([
    ['TypeORM', () => fromTypeOrm({ query: run })],
    ['Prisma', () => fromPrisma({ $queryRawUnsafe: async (sql, ...values) => run(sql, values) })],
    ['Knex', () => fromKnex({ raw: async (sql: string, values: never) => client.query(numbered(sql), values) })],
    [
      'Kysely',
      () =>
        fromKysely({
          executeQuery: async ({ sql, parameters }: { sql: string; parameters: string[] }) =>
            client.query(sql, [...parameters]),
        }),
    ],
    [
      'MikroORM',
      () =>
        fromMikroOrm({
          em: {
            getConnection: () => ({ execute: async (sql: string, values: string[]) => run(numbered(sql), values) }),
          },
        }),
    ],
  ])('is saved through %s', async (_, transaction) => {
    await locking.execute('import', async (lock) => {
      for (let next = 1; next <= 5; next += 1) {
        await client.query('BEGIN');
        await lock.checkpoints<Data>().save({ next }, { transaction: transaction() });
        await client.query('COMMIT');
      }
    });
    expect(await latest()).toEqual({ next: 5 });
  });

  it('keys and data that PostgreSQL cannot store as they are', async () => {
    for (const key of ['nul\0ü', `quote ' \\ " ? $1`, 'k'.repeat(2000)]) {
      const name = key.replace('\0', '');
      await locking.execute(key, async (lock) => {
        await client.query('BEGIN');
        await lock.checkpoints({ name }).save({ text: `nul\0 \ud800 ' $1 ?` }, { transaction: client });
        await client.query('COMMIT');
        expect((await lock.checkpoints({ name }).loadLatest())?.data).toEqual({ text: `nul\0 \ud800 ' $1 ?` });
      });
    }
  });
});

describe('a transaction in which a checkpoint cannot be saved is refused before anything is written', () => {
  const refused = async (transaction: unknown, by = locking): Promise<string> =>
    by.execute('import', async (lock) => {
      const checkpoints = lock.checkpoints<Data>();
      const error = await rejectionOf(checkpoints.save({ next: 1 }, { transaction: transaction as LockTransaction }));
      expect(isLockConfigurationError(error)).toBe(true);
      expect(await checkpoints.loadLatest()).toBeNull();
      return error.message;
    });

  it('where the store of the lock is no database', async () => {
    const { locking: inMemory } = await applications.withLocks({ providers: [{ resolve: InMemoryLockingProvider }] });
    await client.query('BEGIN');
    expect(await refused(client, inMemory)).toMatch(
      /needs locks in the database of the transaction.*keeps its records elsewhere/,
    );
  });

  it('on another server, or in another database', async () => {
    const there = await connect(elsewhere.url);
    await there.query('BEGIN');
    expect(await refused(there)).toMatch(/a transaction of another database/);
    // It is not aborted by the question.
    expect((await there.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await there.end();
    // The same tables are there as well.
    await (await open(elsewhere.url)).locking.execute('import', () => undefined);
    const again = await connect(elsewhere.url);
    await again.query('BEGIN');
    expect(await refused(again)).toMatch(/a transaction of another database/);
    await again.end();
  });

  it.each(['REPEATABLE READ', 'SERIALIZABLE'])('at the level %s', async (level) => {
    await client.query(`BEGIN ISOLATION LEVEL ${level}`);
    expect(await refused(client)).toMatch(/BEGIN ISOLATION LEVEL READ COMMITTED/);
  });

  it('where each statement is committed by itself', async () => {
    expect(await refused(client)).toMatch(/is no open transaction/);
  });

  it.each([null, {}, { query: 1 }, 'BEGIN'])('what is no transaction: %j', async (transaction) => {
    expect(await refused(transaction)).toMatch(/with a method query/);
  });
});
