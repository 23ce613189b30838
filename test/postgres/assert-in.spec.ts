import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createRequire } from 'node:module';
import {
  isLockConfigurationError,
  LockBackendError,
  type LockingService,
  LockLostError,
  PostgresLockingProvider,
  type LockTransaction,
} from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { rowsOf, usePostgresServer } from '../support/postgres.js';

interface Client extends LockTransaction {
  connect(): Promise<void>;
  query(sql: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
}

const { Client, Pool } = createRequire(import.meta.url)('pg') as Record<
  'Client' | 'Pool',
  new (options: object) => Client
>;

const postgres = usePostgresServer();
const applications = useApplications();

let locking: LockingService;
let other: LockingService;
let client: Client;

async function open(): Promise<LockingService> {
  const options = { connectionString: postgres.url };
  return (await applications.withLocks({ providers: [{ resolve: PostgresLockingProvider, options }] })).locking;
}

beforeEach(async () => {
  [locking, other] = [await open(), await open()];
  client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('BEGIN');
});

afterEach(async () => {
  await client.end();
});

/** Another instance has taken the key, which this one knows nothing of: an operator has revoked it there. */
async function takeAway(key: string): Promise<void> {
  await rowsOf(postgres.url, `UPDATE nestjs_locking.lease SET owner = NULL, attempts = '{}' WHERE key = '${key}'`);
}

describe('assertIn', () => {
  it('resolves while the lock is held, and keeps the next holder waiting until the transaction has ended', async () => {
    const lock = await locking.acquire('a');
    await lock.assertIn(client);
    expect(await lock.extend()).toBe(true);
    expect(await lock.release()).toBe(true);
    expect(await other.tryAcquire('a')).toBeNull();
    const waiting = other.acquire('a', { timeout: '20s' });
    await client.query('COMMIT');
    expect((await waiting).fencingToken).toBeGreaterThan(lock.fencingToken);
  });

  it('refuses a client whose statements are committed one by one, and a pool', async () => {
    const lock = await locking.acquire('alone');
    await client.query('COMMIT');
    const pool = new Pool({ connectionString: postgres.url });
    for (const outside of [client, pool]) {
      const error = await rejectionOf(lock.assertIn(outside));
      expect(isLockConfigurationError(error)).toBe(true);
      expect(error.message).toMatch(
        /^The transaction of assertIn is no open transaction: .* a client of pg after BEGIN, not a Pool/,
      );
    }
    await pool.end();
    await client.query('BEGIN');
    await lock.assertIn(client);
    await lock.release();
  });

  it('goes by no setting of the session, and takes READ UNCOMMITTED for what it is in PostgreSQL', async () => {
    const lock = await locking.acquire('settings');
    await client.query('ROLLBACK');
    await client.query('BEGIN ISOLATION LEVEL READ UNCOMMITTED');
    const changing: LockTransaction = {
      query: async (sql, values) => {
        const answer = await client.query(sql, [...values]);
        await client.query("SET TIME ZONE 'Asia/Tokyo'");
        await client.query("SET DateStyle = 'SQL, DMY'");
        return answer;
      },
    };
    await lock.assertIn(changing);
    await client.query('COMMIT');
    await lock.release();
  });

  it('says that rows as arrays are no answer', async () => {
    const lock = await locking.acquire('arrays');
    const arrays: LockTransaction = {
      query: async (sql, values) => client.query({ text: sql, values, rowMode: 'array' } as never),
    };
    expect(await rejectionOf(lock.assertIn(arrays))).toBeInstanceOf(LockBackendError);
    await lock.release();
  });

  it('fails when the transaction does not answer, and the release goes on then', async () => {
    const lock = await locking.acquire('silent');
    const asserting = rejectionOf(lock.assertIn({ query: async () => new Promise(() => undefined) }));
    const released = lock.release();
    const error = await asserting;
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toMatch(/^Could not make sure of "silent": the store did not answer within 5000 ms/);
    expect(await released).toBe(true);
    expect(await other.execute('silent', () => 'free')).toBe('free');
  });

  it('keeps the next holder in the same process waiting as well', async () => {
    const lock = await locking.acquire('same');
    const next = locking.acquire('same', { timeout: '20s' });
    await lock.assertIn(client);
    expect(await lock.release()).toBe(true);
    let granted = false;
    next.then(
      () => (granted = true),
      () => undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(granted).toBe(false);
    await client.query('COMMIT');
    expect((await next).fencingToken).toBeGreaterThan(lock.fencingToken);
  });

  it('is not overtaken by a release that begins before it has answered', async () => {
    const lock = await locking.acquire('overtaken');
    const asserting = lock.assertIn({
      query: async (sql, parameters) => {
        await new Promise((resolve) => setTimeout(resolve, 200));
        return client.query(sql, parameters);
      },
    });
    expect(await lock.release()).toBe(true);
    await asserting;
    expect(await other.tryAcquire('overtaken')).toBeNull();
    await client.query('ROLLBACK');
    expect(await other.tryAcquire('overtaken')).not.toBeNull();
  });

  it('keeps the next holder waiting although the lease has expired meanwhile', async () => {
    const lock = await locking.acquire('b', { expire: '300ms' });
    await lock.assertIn(client);
    await eventually(() => !lock.held);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await other.tryAcquire('b')).toBeNull();
    await client.query('ROLLBACK');
    expect(await other.tryAcquire('b')).not.toBeNull();
  });

  it('refuses a holder whose lock another instance has, and its signal aborts', async () => {
    const stale = await locking.acquire('c');
    await takeAway('c');
    const newer = await other.acquire('c');
    const { signal } = stale;
    const error = await rejectionOf(stale.assertIn(client));
    expect(error).toBeInstanceOf(LockLostError);
    expect(error.message).toMatch(/^"c" is no longer held/);
    await eventually(() => signal.aborted);
    await newer.assertIn(client);
  });

  it('refuses a named owner whose lock was granted to the same name elsewhere since', async () => {
    const stale = await locking.acquire('d', { ownerId: 'import', expire: '30s' });
    await takeAway('d');
    const newer = await other.acquire('d', { ownerId: 'import', expire: '30s' });
    await expect(stale.assertIn(client)).rejects.toThrow(LockLostError);
    await newer.assertIn(client);
  });

  it('asks for all keys of a lock, and names those that are lost', async () => {
    const lock = await locking.acquire(['e1', 'e2', 'e3']);
    await lock.assertIn(client);
    await client.query('ROLLBACK; BEGIN');
    await takeAway('e2');
    await expect(lock.assertIn(client)).rejects.toMatchObject({ code: 'LOCK_LOST', keys: ['e2'] });
  });

  it('knows each of the jobs of a process that wait for one key', async () => {
    await client.query('ROLLBACK');
    const job = async (): Promise<void> =>
      locking.execute('f', async (lock) => {
        await client.query('BEGIN');
        await lock.assertIn(client);
        await client.query('COMMIT');
      });
    await Promise.all([job(), job(), job()]);
    expect(await other.tryAcquire('f')).not.toBeNull();
  });

  it('works with keys that PostgreSQL cannot store as they are', async () => {
    for (const key of ['nul\0', 'k'.repeat(5_000), 'quote \' \\ "']) {
      const lock = await locking.acquire(key);
      await lock.assertIn(client);
      await lock.release();
    }
  });

  it('takes what gives rows, such as the manager of an ORM', async () => {
    const lock = await locking.acquire('g');
    await lock.assertIn({ query: async (sql, parameters) => (await client.query(sql, parameters)).rows });
  });

  it('refuses a lock that was released, and one that has run out', async () => {
    const lock = await locking.acquire('h');
    await lock.release();
    await expect(lock.assertIn(client)).rejects.toThrow(LockLostError);
    const short = await locking.acquire('h', { expire: '100ms' });
    await eventually(() => !short.held);
    await expect(short.assertIn(client)).rejects.toThrow(LockLostError);
  });

  it.each(['REPEATABLE READ', 'SERIALIZABLE'])(
    'refuses a transaction at the level %s, which sees former locks',
    async (level) => {
      const lock = await locking.acquire('i');
      await client.query(`ROLLBACK; BEGIN ISOLATION LEVEL ${level}`);
      const error = await rejectionOf(lock.assertIn(client));
      expect(isLockConfigurationError(error)).toBe(true);
      expect(error.message).toContain('BEGIN ISOLATION LEVEL READ COMMITTED');
    },
  );

  it('refuses what is no transaction, and says what failed in one', async () => {
    const lock = await locking.acquire('j');
    await expect(lock.assertIn({} as never)).rejects.toThrow('assertIn: give a transaction with a method query');
    await client.query('SELECT nonsense').catch(() => undefined);
    const error = await rejectionOf(lock.assertIn(client));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toMatch(/^Could not make sure of "j": current transaction is aborted/);
  });

  it('is refused by stores that are no database', async () => {
    const { locking: inMemory } = await applications.withLocks();
    const lock = await inMemory.acquire('k');
    const error = await rejectionOf(lock.assertIn(client));
    expect(isLockConfigurationError(error)).toBe(true);
    expect(error.message).toContain('is no database');
  });
});
