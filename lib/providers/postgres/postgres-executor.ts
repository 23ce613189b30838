/** Runs statements over connections that the application has already: those of an ORM, say. */
export interface PostgresExecutor {
  /**
   * Runs one statement with parameters `$1`, `$2` … in a transaction of its own (autocommit), and resolves with its rows.
   * It has to reject with the error of the driver, or with one that has it as `cause`.
   */
  query(sql: string, parameters: readonly string[]): Promise<readonly Record<string, unknown>[]>;
}
