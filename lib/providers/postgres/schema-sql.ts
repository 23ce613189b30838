import { SQL_SOURCES } from './sql.generated.js';

/** The version of the tables and functions that this version of the library works with. */
export const SCHEMA_VERSION = 1;

/** The schema where the options name none. */
export const DEFAULT_SCHEMA = 'nestjs_locking';

/** Where the tables are, and how they are made. */
export interface PostgresSchemaOptions {
  /**
   * The name of the schema.
   *
   * @defaultValue `'nestjs_locking'`
   */
  schema?: string | undefined;

  /**
   * Whether the tables are `UNLOGGED`: see the option of `PostgresLockingProvider`.
   *
   * @defaultValue `false`
   */
  unlogged?: boolean | undefined;
}

/**
 * The SQL that creates or updates the tables and functions of the locks, for an application with `migrate: false`. It is one
 * statement. You may run it again: it does what is still to do. Run it as the owner of the schema, before you start the first
 * instance with a new version of this package; instances with the former version go on working.
 *
 * @example
 * await client.query(postgresSchemaSql({ schema: 'locks' }));
 */
export function postgresSchemaSql({ schema = DEFAULT_SCHEMA, unlogged = false }: PostgresSchemaOptions = {}): string {
  const name = quoteName(schema);
  const { tables, ...functions } = SQL_SOURCES;
  const fill = (sql: string): string =>
    sql.replaceAll('{schema}', name).replaceAll('{unlogged}', unlogged ? 'UNLOGGED ' : '');
  return `DO $nestjs_locking$
BEGIN
  -- One instance at a time.
  PERFORM pg_advisory_xact_lock(hashtextextended('nestjs-locking: schema', 0));
  IF to_regnamespace(${quoteText(name)}) IS NULL THEN
    CREATE SCHEMA ${name};
  END IF;
  IF to_regclass(${quoteText(`${name}.meta`)}) IS NULL THEN
    EXECUTE $nestjs_locking_tables$
${fill(tables)}
$nestjs_locking_tables$;
  END IF;
  IF (SELECT version FROM ${name}.meta) < ${String(SCHEMA_VERSION)} THEN
    EXECUTE $nestjs_locking_functions$
${fill(Object.values(functions).join('\n'))}
$nestjs_locking_functions$;
    UPDATE ${name}.meta SET version = ${String(SCHEMA_VERSION)};
  END IF;
END $nestjs_locking$`;
}

/** A name as SQL takes it, whatever its characters. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL takes it. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
