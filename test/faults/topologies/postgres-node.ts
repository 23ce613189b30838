import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { startPostgresServer, type PostgresServer } from '../../../tools/postgres-server/index.mjs';

type Row = Readonly<Record<string, unknown>>;

interface Client {
  connect(): Promise<unknown>;
  query(sql: string): Promise<{ rows: readonly Row[] }>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

const { Client } = createRequire(import.meta.url)('pg') as { Client: new (options: object) => Client };

/** The conductor's connections, which no fault is to hit. */
const OWN = 'conductor';

/** Which session listens for wake-ups: it holds an advisory lock. */
const LISTENS = `EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory')`;

/** A PostgreSQL server, and the conductor's own way to it. */
export class PostgresNode {
  private constructor(readonly server: PostgresServer) {}

  static of(server: PostgresServer): PostgresNode {
    return new PostgresNode(server);
  }

  static async start(config: Readonly<Record<string, string>>): Promise<PostgresNode> {
    return new PostgresNode(await startPostgresServer({ config }));
  }

  /** The rows of one statement, over a connection of its own. */
  async query(sql: string): Promise<readonly Row[]> {
    const client = new Client({
      connectionString: this.server.url,
      connectionTimeoutMillis: 2_000,
      query_timeout: 5_000,
      application_name: OWN,
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      void client.end().catch(() => undefined);
    }
  }

  /** The sessions of workers: those that listen, or those for commands. */
  async sessions(listening: boolean): Promise<number[]> {
    const rows = await this.query(
      `SELECT pid FROM pg_stat_activity a WHERE backend_type = 'client backend' AND application_name <> '${OWN}'
       AND ${listening ? '' : 'NOT'} ${LISTENS} ORDER BY backend_start, pid`,
    );
    return rows.map(({ pid }) => Number(pid));
  }

  /** Crashes the server and starts it again `down` milliseconds later; resolves once it answers. */
  async restart(down: number): Promise<void> {
    this.server.kill('SIGKILL');
    await delay(down);
    await this.server.restart();
  }

  async answers(): Promise<boolean> {
    return this.query('SELECT 1').then(
      () => true,
      () => false,
    );
  }

  /** Whether a standby follows this server; `sync`: and commits wait for it. */
  async isFollowed(as: 'sync' | 'async'): Promise<boolean> {
    const rows = await this.query(`SELECT FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = '${as}'`);
    return rows.length > 0;
  }

  async takesWrites(): Promise<boolean> {
    const [row] = await this.query('SELECT pg_is_in_recovery() AS standby').catch(() => []);
    return row?.standby === false;
  }

  /** Keys that are held, or waited for. */
  async leftKeys(): Promise<string[]> {
    const rows = await this.query(
      `SELECT key FROM nestjs_locking.lease WHERE owner IS NOT NULL AND until > clock_timestamp()
       UNION ALL SELECT 'queue of ' || key FROM nestjs_locking.queue ORDER BY 1`,
    );
    return rows.map(({ key }) => String(key));
  }

  async version(): Promise<string> {
    const [row] = await this.query('SHOW server_version');
    return `PostgreSQL ${String(row?.server_version).split(' ')[0]}`;
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}
