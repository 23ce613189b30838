import pg from 'pg';

const CONNECT_TIMEOUT_MS = 3_000;

const TABLES = `
  CREATE TABLE IF NOT EXISTS shop_stock (sku text PRIMARY KEY, quantity int NOT NULL);
  CREATE TABLE IF NOT EXISTS shop_order (id uuid PRIMARY KEY, sku text NOT NULL, row jsonb NOT NULL);
`;

/** Connects, or throws an error of one line that names the host and the cause. */
export async function connectPostgres(url: string): Promise<pg.Pool> {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new Error('LOCKING_POSTGRES_URL must be a URL such as postgres://user:password@localhost:5432/shop');
  }
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // Each statement fails with its own cause; without a listener the loss of an idle connection would end the process.
  pool.on('error', () => undefined);
  try {
    // One instance at a time makes the tables.
    await pool.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtext('shop')); ${TABLES} COMMIT`);
    return pool;
  } catch (error) {
    await pool.end();
    throw new Error(`Cannot reach PostgreSQL at ${new URL(url).host}`, { cause: error });
  }
}
