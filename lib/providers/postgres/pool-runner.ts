import { StoreNotReachedError } from '../../provider-api/index.js';
import { destroyConnection, type PgClientInside, type PgPool, type PgPoolClient } from './pg-types.js';
import { explainConnecting, explainError, serverErrorOf } from './postgres-errors.js';
import { poolBusy, silent } from './postgres.messages.js';
import { withLiterals } from './with-literals.js';
import { LONGEST_SILENCE, StatementWatch, type WatchedStatement } from './statement-watch.js';
import type { RunnerEvents, StatementRunner } from './store-connection.js';

/** Runs each statement over a connection that the pool lends for it. */
export class PoolRunner implements StatementRunner {
  server: string | undefined;
  private readonly watch: StatementWatch;
  private readonly onLost: (error: Error) => void;
  /** The connections that were borrowed at least once. */
  private readonly known = new WeakSet<PgPoolClient>();
  private isClosed = false;

  /** @param isOwn - whether to close the pool */
  constructor(
    private readonly pool: PgPool,
    private readonly isOwn: boolean,
    { onLost, onSuspicion }: RunnerEvents,
  ) {
    this.watch = new StatementWatch(onSuspicion);
    this.onLost = onLost;
    pool.on('error', onLost);
    // A connection may end in the very packet that ends its login, before it is lent.
    pool.on('connect', this.listenTo);
  }

  async query(sql: string, parameters: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    const whole = withLiterals(sql, parameters);
    return this.onConnection(async (client) => (await client.query(whole)).rows);
  }

  /** A pooler announces a process id of its own. */
  async mayBeBehindPooler(): Promise<boolean> {
    return this.onConnection(async (client) => {
      const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
      return (client as PgClientInside).processID !== rows[0]?.pid;
    });
  }

  async close(): Promise<void> {
    await this.watch.close();
    this.pool.off('error', this.onLost);
    if (!this.isOwn) this.pool.off('connect', this.listenTo);
    if (!this.isOwn || this.isClosed) return;
    this.isClosed = true;
    // What a connection that closes still says is of no interest, but without a listener it would end the process.
    this.pool.on('error', () => undefined);
    await this.pool.end();
  }

  private async onConnection<Answer>(run: (client: PgPoolClient) => Promise<Answer>): Promise<Answer> {
    const statement = this.watch.begin(poolBusy);
    try {
      return await this.runOn(await this.borrow(statement), statement, run);
    } finally {
      this.watch.end(statement);
    }
  }

  private async borrow(statement: WatchedStatement): Promise<PgPoolClient> {
    const lent = this.pool.connect();
    try {
      const client = await new Promise<PgPoolClient>((resolve, reject) => {
        statement.giveUp = () => {
          reject(new StoreNotReachedError(poolBusy(LONGEST_SILENCE)));
          lent.then(
            (client) => {
              client.release();
            },
            () => undefined,
          );
        };
        lent.then(resolve, reject);
      });
      this.listenTo(client);
      return client;
    } catch (error) {
      const explained = explainConnecting(error);
      this.onLost(explained);
      throw explained;
    }
  }

  /** The pool listens to idle connections only: without a listener, the loss of a borrowed one would end the process. */
  private readonly listenTo = (client: PgPoolClient): void => {
    if (this.known.has(client)) return;
    this.known.add(client);
    const { host, port } = client as PgClientInside;
    if (host !== undefined && port !== undefined) this.server = `${host}:${String(port)}`;
    client.on('error', () => undefined);
  };

  private async runOn<Answer>(
    client: PgPoolClient,
    statement: WatchedStatement,
    run: (client: PgPoolClient) => Promise<Answer>,
  ): Promise<Answer> {
    statement.looks = 0;
    statement.trouble = silent;
    statement.giveUp = () => {
      destroyConnection(client);
    };
    try {
      const answer = await run(client);
      client.release();
      return answer;
    } catch (error) {
      // On a connection that goes on after an error, the next command is as good as on another one.
      const isAnswered = serverErrorOf(error)?.isRolledBack === true;
      client.release(!isAnswered || isReadOnly(error));
      const explained = explainError(
        statement.looks > LONGEST_SILENCE ? new Error(silent(LONGEST_SILENCE), { cause: error }) : error,
      );
      if (!isAnswered) this.onLost(explained);
      throw explained;
    }
  }
}

/** The primary has become a standby: a new connection may lead to the new one. */
function isReadOnly(error: unknown): boolean {
  return serverErrorOf(error)?.state === '25006';
}
