import pg from 'pg';
import type { Contender, Held } from '../contender.js';

const TABLE =
  'CREATE TABLE IF NOT EXISTS plain_lock (key text PRIMARY KEY, owner text NOT NULL, until timestamptz NOT NULL)';

const TAKE = `INSERT INTO plain_lock VALUES ($1, $2, now() + interval '30 s') ON CONFLICT (key) DO UPDATE
  SET owner = excluded.owner, until = excluded.until WHERE plain_lock.until < now() RETURNING 1`;

const FREE = 'DELETE FROM plain_lock WHERE key = $1 AND owner = $2 RETURNING 1';

/** The least that a lock in PostgreSQL can cost: no waiting, no renewal, no fencing tokens. */
export async function openPlainRow(connectionString: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString });
  await pool.query(`BEGIN; SELECT pg_advisory_xact_lock(1); ${TABLE}; COMMIT`);
  let owners = 0;

  async function acquire(key: string): Promise<Held> {
    const owner = `owner-${String(process.pid)}-${String(owners++)}`;
    const taken = await pool.query(TAKE, [key, owner]);
    if (taken.rowCount !== 1) throw new Error(`${key} is held`);
    return {
      async release() {
        const freed = await pool.query(FREE, [key, owner]);
        if (freed.rowCount !== 1) throw new Error(`${key} was lost`);
      },
    };
  }

  return {
    acquire,
    async run(key, job) {
      const held = await acquire(key);
      await job();
      await held.release();
    },
    close: async () => pool.end(),
  };
}
