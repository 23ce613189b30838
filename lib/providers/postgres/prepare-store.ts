import { LockConfigurationError } from '../../errors/index.js';
import { serverErrorOf } from './postgres-errors.js';
import {
  mayLoseLocks,
  notAllowedToMigrate,
  readOnly,
  rightsMissing,
  schemaMissing,
  tooOld,
  wrongIsolation,
} from './postgres.messages.js';
import { postgresSchemaSql, quoteName, quoteText, SCHEMA_VERSION } from './schema-sql.js';
import type { StatementRunner } from './store-connection.js';

/** PostgreSQL 13, as `server_version_num` has it. */
const OLDEST_VERSION = 130_000;

/** SQLSTATE of a user without a right. */
const NO_RIGHT = '42501';

/** How a provider wants its store. */
export interface StorePlan {
  readonly id: string;
  readonly schema: string;
  readonly migrate: boolean;
  readonly unlogged: boolean;
  readonly warn: (message: string) => void;
}

interface ServerFacts {
  readonly version: string;
  readonly number: number;
  readonly isolation: string;
  readonly standby: boolean;
  readonly readonly: boolean;
  readonly user: string;
  readonly standbys: number;
  readonly synchronous: string;
}

interface SchemaFacts {
  readonly exists: boolean;
  /** Whether this user may use the tables. */
  readonly usable: boolean;
}

/**
 * Looks over the store at start-up, and gives it its tables.
 *
 * @throws LockConfigurationError for a server, user or schema with which locks cannot work
 */
export async function prepareStore(runner: StatementRunner, plan: StorePlan): Promise<void> {
  const { id, schema, warn } = plan;
  const server = await ask<ServerFacts>(runner, SERVER_FACTS);
  if (server.number < OLDEST_VERSION) throw new LockConfigurationError(tooOld(id, server.version));
  if (server.isolation !== 'read committed') throw new LockConfigurationError(wrongIsolation(id, server.isolation));
  // Behind one name or address there may be another server the next time.
  if (server.standby || server.readonly) throw new Error(readOnly(id, server.standby));
  if (server.standbys > 0 && server.synchronous === '') warn(mayLoseLocks(id, server.standbys));

  const before = await ask<SchemaFacts>(runner, schemaFacts(schema));
  if (!before.exists) await migrate(runner, plan);
  else if (before.usable && (await versionOf(runner, schema)) < SCHEMA_VERSION) await migrate(runner, plan);
  const { usable } = await ask<SchemaFacts>(runner, schemaFacts(schema));
  if (!usable) throw new LockConfigurationError(rightsMissing(id, quoteName(schema), quoteName(server.user)));
}

async function migrate(
  runner: StatementRunner,
  { id, schema, migrate: isAllowed, unlogged }: StorePlan,
): Promise<void> {
  if (!isAllowed) throw new LockConfigurationError(schemaMissing(id, schema));
  try {
    await runner.query(postgresSchemaSql({ schema, unlogged }), []);
  } catch (error) {
    const server = serverErrorOf(error);
    if (server?.state !== NO_RIGHT) throw error;
    throw new LockConfigurationError(notAllowedToMigrate(id, schema, server.message), { cause: error });
  }
}

async function versionOf(runner: StatementRunner, schema: string): Promise<number> {
  return ask<number>(runner, `SELECT to_json(version)::text AS answer FROM ${quoteName(schema)}.meta`);
}

async function ask<Answer>(runner: StatementRunner, sql: string): Promise<Answer> {
  const [row] = await runner.query(sql, []);
  return JSON.parse(String(row?.answer)) as Answer;
}

/** The sessions of logical replication are none of a standby. */
const SERVER_FACTS = `SELECT json_build_object(
  'version', current_setting('server_version'),
  'number', current_setting('server_version_num')::int,
  'isolation', current_setting('transaction_isolation'),
  'standby', pg_is_in_recovery(),
  'readonly', current_setting('transaction_read_only') = 'on',
  'user', current_user,
  'standbys', (
    SELECT count(*) FROM pg_stat_replication WHERE coalesce(application_name, '') <> 'pg_basebackup' AND pid NOT IN (
      SELECT active_pid FROM pg_replication_slots WHERE slot_type = 'logical' AND active_pid IS NOT NULL
    )
  ),
  'synchronous', current_setting('synchronous_standby_names')
)::text AS answer`;

const schemaFacts = (schema: string): string => `SELECT json_build_object(
  'exists', count(*) > 0,
  'usable', coalesce(bool_and(
    has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'UPDATE')
    AND (c.relname = 'meta' OR has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'DELETE'))
  ), false)
)::text AS answer
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ${quoteText(schema)} AND c.relname IN ('meta', 'lease', 'queue', 'record') AND c.relkind = 'r'`;
