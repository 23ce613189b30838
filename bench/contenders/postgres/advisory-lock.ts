import pg from 'pg';
import type { Contender, Held } from '../contender.js';

const TAKE = 'SELECT pg_advisory_lock(hashtextextended($1, 0))';
const FREE = 'SELECT pg_advisory_unlock(hashtextextended($1, 0))';

/** More would be more connections than a server usually has. */
const CONNECTIONS = 20;

/** `pg_advisory_lock` by hand: a connection of its own for each lock and each waiter, and no lease. */
export async function openAdvisoryLock(connectionString: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString, max: CONNECTIONS });

  async function acquire(key: string): Promise<Held> {
    const client = await pool.connect();
    await client.query(TAKE, [key]);
    return {
      async release() {
        await client.query(FREE, [key]);
        client.release();
      },
    };
  }

  return Promise.resolve({
    acquire,
    async run(key, job) {
      const held = await acquire(key);
      await job();
      await held.release();
    },
    close: async () => pool.end(),
  });
}
