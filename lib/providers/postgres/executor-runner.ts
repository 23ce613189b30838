import type { PostgresExecutor } from './postgres-executor.js';
import { explainError, serverErrorOf } from './postgres-errors.js';
import type { StatementRunner } from './store-connection.js';

/** Runs statements over what the application gives. */
export class ExecutorRunner implements StatementRunner {
  constructor(
    private readonly executor: PostgresExecutor,
    private readonly onLost: (error: Error) => void,
  ) {}

  async query(sql: string, parameters: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    try {
      return await this.executor.query(sql, parameters);
    } catch (error) {
      const explained = explainError(error);
      if (!serverErrorOf(error)?.isRolledBack) this.onLost(explained);
      throw explained;
    }
  }

  async mayBeBehindPooler(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }
}
