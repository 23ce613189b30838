import type { PostgresExecutor } from './postgres-executor.js';

type Rows = readonly Record<string, unknown>[];

/**
 * Locks over the connections of TypeORM.
 *
 * @param dataSource - a `DataSource` of type `postgres`; never an `EntityManager` of a transaction
 *
 * @example
 * const options = { executor: fromTypeOrm(dataSource), listenUrl: 'postgres://app:secret@db:5432/shop' };
 */
export function fromTypeOrm(dataSource: {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}): PostgresExecutor {
  return { query: async (sql, parameters) => rowsOf(await dataSource.query(sql, [...parameters])) };
}

/**
 * Locks over the connections of Prisma.
 *
 * @param prisma - a `PrismaClient` on PostgreSQL; as an executor never the client of a `$transaction`, as a `LockTransaction` that
 *
 * @example
 * const options = { executor: fromPrisma(prisma), listenUrl: 'postgres://app:secret@db:5432/shop' };
 */
export function fromPrisma(prisma: {
  $queryRawUnsafe(sql: string, ...values: unknown[]): PromiseLike<unknown>;
}): PostgresExecutor {
  return { query: async (sql, parameters) => rowsOf(await prisma.$queryRawUnsafe(sql, ...parameters)) };
}

/**
 * Locks over the connections of Knex.
 *
 * @param knex - an instance with `client: 'pg'`; as an executor never a transaction, as a `LockTransaction` that
 *
 * @example
 * const options = { executor: fromKnex(knex), listenUrl: 'postgres://app:secret@db:5432/shop' };
 */
export function fromKnex(knex: { raw(sql: string, bindings: never): PromiseLike<unknown> }): PostgresExecutor {
  return {
    query: async (sql, parameters) =>
      rowsOf(await knex.raw(withQuestionMarks(sql, parameters), [...parameters] as never)),
  };
}

/**
 * Locks over the connections of Drizzle.
 *
 * @param db - made by `drizzle` of `drizzle-orm/node-postgres`, or `drizzle-orm/postgres-js`
 *
 * @example
 * const options = { executor: fromDrizzle(db), listenUrl: 'postgres://app:secret@db:5432/shop' };
 */
export function fromDrizzle(db: { readonly $client: object }): PostgresExecutor {
  const client = db.$client as {
    query?(sql: string, parameters: unknown[]): Promise<unknown>;
    unsafe?(sql: string, parameters: unknown[]): PromiseLike<unknown>;
  };
  return {
    query: async (sql, parameters) =>
      rowsOf(await (client.unsafe ? client.unsafe(sql, [...parameters]) : client.query?.(sql, [...parameters]))),
  };
}

/**
 * Locks over the connections of Kysely.
 *
 * @param db - a `Kysely` with the `PostgresDialect`; as an executor never a transaction, as a `LockTransaction` that
 *
 * @example
 * const options = { executor: fromKysely(db), listenUrl: 'postgres://app:secret@db:5432/shop' };
 */
export function fromKysely(db: { executeQuery(query: never): Promise<unknown> }): PostgresExecutor {
  let count = 0;
  return {
    query: async (sql, parameters) => {
      // What `CompiledQuery.raw(sql, parameters)` of Kysely makes.
      const query = {
        sql,
        parameters,
        query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
        queryId: { queryId: `nestjs-locking-${String((count += 1))}` },
      };
      return rowsOf(await db.executeQuery(query as never));
    },
  };
}

/**
 * Locks over the connections of MikroORM.
 *
 * @param orm - a `MikroORM` on PostgreSQL
 *
 * @example
 * const options = { executor: fromMikroOrm(orm), listenUrl: 'postgres://app:secret@db:5432/shop' };
 */
export function fromMikroOrm(orm: { readonly em: { getConnection(): object } }): PostgresExecutor {
  return {
    query: async (sql, parameters) => {
      const connection = orm.em.getConnection() as {
        execute(sql: string, parameters: unknown[], method: 'all'): Promise<unknown>;
      };
      // Without parameters MikroORM leaves the statement as it is.
      const text = parameters.length === 0 ? sql : withQuestionMarks(sql, parameters);
      return rowsOf(await connection.execute(text, [...parameters], 'all'));
    },
  };
}

/** Some give the rows, others an object with them. */
function rowsOf(result: unknown): Rows {
  if (Array.isArray(result)) return result as Rows;
  const { rows } = (result ?? {}) as { rows?: unknown };
  return Array.isArray(rows) ? (rows as Rows) : [];
}

/**
 * The same statement with `?` for its parameters, which are there once each and in their order, and with a backslash before
 * any other `?`. The name of a schema may contain both.
 */
function withQuestionMarks(sql: string, parameters: readonly string[]): string {
  const parts = parameters.length === 0 ? /\?/g : /"(?:[^"]|"")*"|\$\d+|\?/g;
  return sql.replace(parts, (part) => (part.startsWith('$') ? '?' : part.replaceAll('?', '\\?')));
}
