/**
 * A transaction in the database that keeps the locks: a client of `pg` after `BEGIN`, TypeORM's `EntityManager` or
 * `QueryRunner`, `fromPrisma(tx)`, `fromKnex(trx)`, `fromKysely(trx)`, or anything else with this method.
 */
export interface LockTransaction {
  /**
   * Runs one statement with parameters `$1`, `$2` … in the transaction.
   *
   * @returns its rows, or an object with them as `rows`
   */
  query(sql: string, parameters: string[]): PromiseLike<unknown>;
}
