import { StoreNotReachedError } from '../../provider-api/index.js';
import { ExecutorRunner } from './executor-runner.js';
import { loadPg } from './load-pg.js';
import type { PgClient, PgPool, PgPoolInside } from './pg-types.js';
import { PoolRunner } from './pool-runner.js';
import { closed, noListenUrl, poolCannotListen } from './postgres.messages.js';
import type { PostgresLockingProviderOptions } from './postgres-options.interface.js';
import type { RunnerEvents, StatementRunner } from './store-connection.js';
import { NoWakeUps } from './wake-up-session.js';

/** How many connections for commands the provider opens at most. Commands are short, and many requests share one. */
const OWN_CONNECTIONS = 5;

/** One connection stays open, so that a lock seldom waits for one to be made. */
const POOL_OPTIONS = { max: OWN_CONNECTIONS, min: 1, idleTimeoutMillis: 30_000 };

/** How long a new connection may take, in milliseconds. */
const CONNECT_TIMEOUT = 5000;

/** Reaches the server in the way that the options name: by a connection string, the user's pool or an executor. */
export class PostgresClients implements StatementRunner {
  private opened?: Promise<StatementRunner>;
  private runner?: StatementRunner;
  private isClosed = false;

  constructor(
    private readonly id: string,
    private readonly options: PostgresLockingProviderOptions,
    private readonly events: RunnerEvents,
  ) {}

  readonly query: StatementRunner['query'] = async (sql, parameters) => (await this.open()).query(sql, parameters);

  get server(): string | undefined {
    return this.runner?.server;
  }

  async mayBeBehindPooler(): Promise<boolean> {
    return (await this.open()).mayBeBehindPooler();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await (await this.opened?.catch(() => undefined))?.close();
  }

  /** A connection of its own that can listen, which the caller closes. */
  async listener(): Promise<PgClient> {
    const { connectionString, pool, listenUrl } = this.options;
    const url = listenUrl ?? connectionString;
    if (url !== undefined) {
      const { Client } = await loadPg(this.id);
      return new Client(connectionOptions(url));
    }
    if (!pool) throw new NoWakeUps(noListenUrl());
    const { Client, options } = pool as PgPool & PgPoolInside;
    if (typeof Client !== 'function') throw new NoWakeUps(poolCannotListen());
    return new Client(options);
  }

  private async open(): Promise<StatementRunner> {
    if (this.isClosed) throw new StoreNotReachedError(closed());
    this.opened ??= this.make().then((runner) => (this.runner = runner));
    return this.opened;
  }

  private async make(): Promise<StatementRunner> {
    const { executor, pool, connectionString } = this.options;
    if (executor) return new ExecutorRunner(executor, this.events);
    if (pool) return new PoolRunner(pool, false, this.events);
    const { Pool } = await loadPg(this.id);
    return new PoolRunner(new Pool({ ...connectionOptions(connectionString), ...POOL_OPTIONS }), true, this.events);
  }
}

function connectionOptions(connectionString: string | undefined): Record<string, unknown> {
  return {
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    keepAlive: true,
    fallback_application_name: 'nestjs-locking',
  };
}
