import { onOneLine, quote } from '../../errors/quote.js';
import { passwordHint, redact } from '../redis/redact.js';

export const missingConnection = (id: string): string =>
  `Provider ${quote(id)}: it does not know where PostgreSQL is. Give options: { connectionString: 'postgres://user:password@host:5432/database' }, or an existing pool, or an executor.`;

export const tooManyConnections = (id: string): string =>
  `Provider ${quote(id)}: give one of connectionString, pool and executor, not several.`;

export const badUrl = (id: string, option: string, url: unknown): string =>
  `Provider ${quote(id)}: ${option} ${quote(redact(String(url)))} is not a URL such as postgres://user:password@host:5432/database.${passwordHint(String(url))}`;

export const badPool = (id: string): string =>
  `Provider ${quote(id)}: pool is not a Pool of the package pg. Give one such as new Pool({ connectionString }), or connectionString.`;

export const badExecutor = (id: string): string =>
  `Provider ${quote(id)}: executor has no method query(sql, parameters). Give one made by fromTypeOrm, fromPrisma and the like, or one of your own.`;

export const badNamespace = (id: string): string =>
  `Provider ${quote(id)}: namespace must be a string of at most 200 bytes, such as 'lock:'.`;

export const badSchema = (id: string): string =>
  `Provider ${quote(id)}: schema must be the name of a schema, of 1 to 63 bytes, such as 'nestjs_locking'. Names that begin with pg_ are PostgreSQL's own.`;

export const badSwitch = (id: string, option: string): string =>
  `Provider ${quote(id)}: ${option} must be true or false.`;

export const pgMissing = (id: string): string =>
  `Provider ${quote(id)} needs the package pg, which is not installed. Run: npm install pg`;

export const notConnected = (cause: string | undefined): string =>
  `not connected to PostgreSQL${cause === undefined ? '' : ` (${onOneLine(cause)})`}`;

export const closed = (): string => 'the connections to PostgreSQL are closed';

export const connectionLost = (cause: string): string =>
  `the connection to PostgreSQL was lost before the answer came (${onOneLine(cause)})`;

export const connectionBroken = (id: string, server: string | undefined, cause: string): string =>
  `Connection to PostgreSQL${server === undefined ? '' : ` at ${onOneLine(server)}`} in ${quote(id)} provider lost: ${onOneLine(cause)}. Locked calls fail with LockBackendError until it is back`;

export const silent = (seconds: number): string => `the server has answered nothing for ${String(seconds)} s`;

export const executorSilent = (seconds: number): string =>
  `the executor has not settled a statement for ${String(seconds)} s: find out what keeps its connections, or the server`;

export const poolBusy = (seconds: number): string =>
  `the pool had no free connection for ${String(seconds)} s: raise its max, or find out what keeps its connections`;

export const nonsense = (what: string): string => `PostgreSQL answered ${what} with something that makes no sense`;

export const tooOld = (id: string, version: string): string =>
  `PostgreSQL behind ${quote(id)} has version ${version}. Locks need version 13 or later.`;

export const schemaMissing = (id: string, schema: string): string =>
  `PostgreSQL behind ${quote(id)} has no tables for locks in schema ${quote(schema)}, or those of an earlier version. Run the SQL that postgresSchemaSql({ schema: ${quote(schema)} }) returns, or leave out migrate: false.`;

export const notAllowedToMigrate = (id: string, schema: string, cause: string): string =>
  `Provider ${quote(id)} may not create its tables in schema ${quote(schema)} (${onOneLine(cause)}). Grant the user CREATE on the database, or run the SQL that postgresSchemaSql({ schema: ${quote(schema)} }) returns as another user and set migrate: false.`;

export const rightsMissing = (id: string, schema: string, user: string): string =>
  `PostgreSQL behind ${quote(id)}: user ${quote(user)} may not use the tables and functions of locks. Run: GRANT USAGE ON SCHEMA ${schema} TO ${user}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${user}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${user};`;

export const wrongIsolation = (id: string, isolation: string): string =>
  `PostgreSQL behind ${quote(id)} begins transactions at the isolation level ${quote(isolation)}. Locks need READ COMMITTED. Set default_transaction_isolation = 'read committed' for this user (ALTER ROLE … SET), or give a connection without that setting.`;

export const cannotAssertAt = (id: string, isolation: string): string =>
  `assertIn: the transaction has the isolation level ${quote(isolation)}, which shows it the locks of ${quote(id)} as they were when it began. Begin it with BEGIN ISOLATION LEVEL READ COMMITTED.`;

export const otherDatabase = (id: string): string =>
  `save: the option transaction is a transaction of another database than that of ${quote(id)}, or of a standby, and its commit would not commit the checkpoint. Nothing was written. Begin it on the database of the locks, or leave the option out.`;

export const cannotSaveAt = (id: string, isolation: string): string =>
  `save: the option transaction has the isolation level ${quote(isolation)}, which shows it the records of ${quote(id)} as they were when it began. Nothing was written. Begin it with BEGIN ISOLATION LEVEL READ COMMITTED.`;

/** For a statement that failed in a transaction of the application. */
export const rollBack = (): string =>
  'The statement ran in your transaction: roll that back. Its user needs the rights on the tables of the locks that the user of the provider has.';

/** What both expect of the user. */
const OPEN_TRANSACTION =
  'Give what runs statements in the transaction: a client of pg after BEGIN, not a Pool; the manager that TypeORM hands to the callback; fromPrisma(tx), not fromPrisma(prisma).';

export const noTransactionOpen = (): string =>
  `save: the option transaction is no open transaction: it has ended, or each of its statements is committed by itself. The checkpoint was not saved. ${OPEN_TRANSACTION}`;

export const cannotAssertOutside = (): string =>
  `The transaction of assertIn is no open transaction: it has ended, or each of its statements is committed by itself, and nothing would keep the next holder waiting until your writes are there. ${OPEN_TRANSACTION}`;

export const readOnly = (id: string, isStandby: boolean): string =>
  isStandby
    ? `PostgreSQL behind ${quote(id)} is a standby, which takes no writes. Give the address of the primary.`
    : `PostgreSQL behind ${quote(id)} takes no writes (default_transaction_read_only is on). Switch it off for this user (ALTER ROLE … SET).`;

export const mayLoseLocks = (id: string, standbys: number): string =>
  `PostgreSQL behind ${quote(id)} replicates to ${String(standbys)} standby server${standbys === 1 ? '' : 's'} and waits for none of them (synchronous_standby_names is empty). A failover loses the locks of the last moments: a second process may get a lock that is still held. Set synchronous_standby_names, or check fencing tokens.`;

export const noWakeUps = (id: string, why: string): string =>
  `Provider ${quote(id)} hears no wake-ups: ${onOneLine(why)}. Waiters ask again and again, out of turn, instead of being told. Give listenUrl, an address of PostgreSQL that does not lead through a pooler in transaction mode.`;

export const noListenUrl = (): string => 'an executor cannot listen, and there is no listenUrl';

export const poolCannotListen = (): string => 'the pool does not show how to open one more connection';

export const behindPooler = (): string =>
  'a notification that was sent did not arrive, so the connection most likely leads through a pooler in transaction mode';
