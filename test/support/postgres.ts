import { createRequire } from 'node:module';
import { afterAll, beforeAll } from '@jest/globals';
import {
  startPostgresServer,
  type PostgresServer,
  type PostgresServerOptions,
} from '../../tools/postgres-server/index.mjs';

export interface PostgresServerAccess {
  readonly server: PostgresServer;
  readonly url: string;
}

/** Gives the surrounding `describe` (or file) a PostgreSQL server of its own; read the getters inside tests and hooks. */
export function usePostgresServer(options?: PostgresServerOptions): PostgresServerAccess {
  let server: PostgresServer | undefined;

  beforeAll(async () => {
    server = await startPostgresServer(options);
  }, 60_000);

  afterAll(async () => {
    await server?.stop();
  });

  const started = (): PostgresServer => {
    if (!server) throw new Error('The PostgreSQL server runs only from beforeAll on: read it inside tests and hooks');
    return server;
  };

  return {
    get server() {
      return started();
    },
    get url() {
      return started().url;
    },
  };
}

interface Client {
  connect(): Promise<unknown>;
  query(sql: string, values?: readonly unknown[]): Promise<{ rows: readonly Record<string, unknown>[] }>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

const { Client } = createRequire(import.meta.url)('pg') as { Client: new (options: object) => Client };

/** The rows of one statement, over a connection of its own. */
export async function rowsOf(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A connection that is lost while no statement is under way tells it only here.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}
