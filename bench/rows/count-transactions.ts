import pg from 'pg';
import { sleep } from '../clock.js';

/** Sessions report their counts after so many milliseconds at the latest; an idle one takes longest. */
const REPORTED_WITHIN = 11_000;

/** How many transactions the server ends each second: each command of a lock is one. */
export async function countTransactions(connectionString: string, ms: number): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const count = async (): Promise<number> => {
    await client.query('SELECT pg_stat_clear_snapshot()');
    const { rows } = await client.query<{ ended: string }>(
      'SELECT xact_commit + xact_rollback AS ended FROM pg_stat_database WHERE datname = current_database()',
    );
    return Number(rows[0]?.ended);
  };
  try {
    await sleep(REPORTED_WITHIN);
    const before = await count();
    await sleep(ms + REPORTED_WITHIN);
    return ((await count()) - before) / ((ms + REPORTED_WITHIN) / 1000);
  } finally {
    await client.end();
  }
}
