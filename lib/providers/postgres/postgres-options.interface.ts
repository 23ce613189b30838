import type { LockingProviderOptions } from '../../interfaces/provider-options.interface.js';
import type { PgPool } from './pg-types.js';
import type { PostgresExecutor } from './postgres-executor.js';

/** Options of `PostgresLockingProvider`, beside those of every provider. */
export interface PostgresLockingProviderOptions extends LockingProviderOptions {
  /**
   * Where the server is: `postgres://user:password@host:port/database`. The provider opens up to five connections to it, and
   * one more for wake-ups. Give this, or `pool`, or `executor`.
   */
  connectionString?: string | undefined;

  /**
   * An existing `Pool` of the package `pg`. Each command borrows a connection of it for one statement. It is never closed by
   * this module. For wake-ups one more connection is opened with the options of the pool, and closed at the end.
   */
  pool?: PgPool | undefined;

  /**
   * What runs statements over the connections of the application's ORM. Wake-ups need a `listenUrl` beside it.
   */
  executor?: PostgresExecutor | undefined;

  /**
   * Where to listen for wake-ups, past a pooler such as PgBouncer in transaction mode, which does not pass them on. Without
   * wake-ups waiters ask again and again, with back-off.
   *
   * @defaultValue the server of `connectionString` or `pool`
   */
  listenUrl?: string | undefined;

  /**
   * The schema of the tables and functions.
   *
   * @defaultValue `'nestjs_locking'`
   */
  schema?: string | undefined;

  /**
   * Tells the keys of applications apart that share a schema. Applications that are to exclude each other need the same one.
   * At most 200 bytes.
   *
   * @defaultValue `'lock:'`
   */
  namespace?: string | undefined;

  /**
   * Whether the provider creates and updates the schema at start-up. With `false` you run `postgresSchemaSql()` yourself.
   *
   * @defaultValue `true`
   */
  migrate?: boolean | undefined;

  /**
   * Whether the tables are created `UNLOGGED`: commands do not wait for the disk, and a crash of the server or a failover loses
   * all locks, as with Redis without persistence. It counts when the tables are created.
   *
   * @defaultValue `false`
   */
  unlogged?: boolean | undefined;
}
