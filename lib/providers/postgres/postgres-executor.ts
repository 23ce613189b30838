/** Runs statements over connections that the application has already: those of an ORM, say. */
export interface PostgresExecutor {
  /**
   * Runs one statement with parameters `$1`, `$2` … in a transaction of its own (autocommit), and resolves with its rows.
   * Without parameters the driver should send one message (a simple query), as `pg` does: the commands of locks have none, so
   * that one whose connection breaks half-way does not begin. It has to reject with the error of the driver, or with one that has it as `cause`.
   */
  query(sql: string, parameters: readonly string[]): Promise<readonly Record<string, unknown>[]>;
}
