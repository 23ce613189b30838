import { createRequire } from 'node:module';
import type pg from 'pg';
import { acquireByRunning } from '../../contenders/acquire-by-running.js';
import type { Contender } from '../../contenders/contender.js';
import { requirePeer } from '../location.js';

interface Manager {
  execute(sql: string, values?: unknown[]): Promise<unknown[]>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  transactional<T>(work: (manager: Manager) => Promise<T>): Promise<T>;
}

interface Provider {
  execute(keys: string, job: () => Promise<void>): Promise<void>;
}

const CONNECTIONS = 20;

/** Its service alone, with the part of MikroORM's manager that it uses, over a pool. */
export async function openMedusaPostgres(connectionString: string): Promise<Contender> {
  const service = requirePeer.resolve('@medusajs/locking-postgres/dist/services/advisory-lock.js');
  const { PostgresAdvisoryLockProvider } = createRequire(service)(service) as {
    PostgresAdvisoryLockProvider: new (container: { manager: Manager }) => Provider;
  };
  const { Pool } = requirePeer('pg') as typeof pg;
  const pool = new Pool({ connectionString, max: CONNECTIONS });
  const provider = new PostgresAdvisoryLockProvider({ manager: managerOn(pool, pool) });
  const run = async (key: string, job: () => Promise<void>): Promise<void> => provider.execute(key, job);
  // Its `acquire` takes a row of a table, which its `execute` does not heed.
  return Promise.resolve({ run, acquire: async (key) => acquireByRunning(run, key), close: async () => pool.end() });
}

function managerOn(queries: Pick<pg.Pool, 'query'>, pool: pg.Pool): Manager {
  let hasEnded = false;
  const end = async (sql: string): Promise<void> => {
    if (hasEnded) return;
    hasEnded = true;
    await queries.query(sql);
  };
  return {
    async execute(sql, values = []) {
      let count = 0;
      return (
        await queries.query(
          sql.replaceAll('?', () => `$${String((count += 1))}`),
          values,
        )
      ).rows as unknown[];
    },
    commit: async () => end('COMMIT'),
    rollback: async () => end('ROLLBACK'),
    async transactional(work) {
      const client = await pool.connect();
      const manager = managerOn(client, pool);
      try {
        await client.query('BEGIN');
        return await work(manager);
      } finally {
        await manager.rollback();
        client.release();
      }
    },
  };
}
