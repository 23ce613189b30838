import type { PostgresExecutor } from './postgres-executor.js';
import { explainError, serverErrorOf } from './postgres-errors.js';
import { executorSilent } from './postgres.messages.js';
import { LONGEST_SILENCE, StatementWatch } from './statement-watch.js';
import type { RunnerEvents, StatementRunner } from './store-connection.js';
import { withLiterals } from './with-literals.js';

/** Runs statements over what the application gives. */
export class ExecutorRunner implements StatementRunner {
  readonly server = undefined;
  private readonly watch: StatementWatch;

  constructor(
    private readonly executor: PostgresExecutor,
    private readonly events: RunnerEvents,
  ) {
    this.watch = new StatementWatch(events.onSuspicion);
  }

  async query(sql: string, parameters: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    try {
      return await this.answerOf(sql, parameters);
    } catch (error) {
      const explained = explainError(error);
      if (!serverErrorOf(error)?.isRolledBack) this.events.onLost(explained);
      throw explained;
    }
  }

  /** A statement that never settles would hold up every later one for its keys. It may still be carried out, late. */
  private async answerOf(sql: string, parameters: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    let giveUp: (error: Error) => void = () => undefined;
    const silence = new Promise<never>((_, reject) => (giveUp = reject));
    const statement = this.watch.begin(executorSilent, () => {
      giveUp(new Error(executorSilent(LONGEST_SILENCE)));
    });
    try {
      return await Promise.race([this.executor.query(withLiterals(sql, parameters), []), silence]);
    } finally {
      this.watch.end(statement);
    }
  }

  async mayBeBehindPooler(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async close(): Promise<void> {
    await this.watch.close();
  }
}
