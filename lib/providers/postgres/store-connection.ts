import { malformedAnswer, saysSchemaIsGone } from './postgres-errors.js';

/** Calls a function of the schema. Resolves with its result, without what belongs to the connection. */
export type RunCommand = (name: string, request: Record<string, unknown>) => Promise<readonly unknown[]>;

/** Runs statements somewhere: over a pool of connections, or over the application's ORM. */
export interface StatementRunner {
  /** Runs one statement in a transaction of its own. Its errors are explained already. */
  query(sql: string, parameters: readonly string[]): Promise<readonly Record<string, unknown>[]>;
  /** Whether wake-ups may not arrive over connections like these. */
  mayBeBehindPooler(): Promise<boolean>;
  /** Ends what the runner has opened. */
  close(): Promise<void>;
  /** The host and port of the server, as far as they are known. */
  readonly server: string | undefined;
}

/** What a runner tells of its connections. */
export interface RunnerEvents {
  /** A connection was lost, or a statement given up. */
  readonly onLost: (error: Error) => void;
  /** A statement has had no answer for a while. */
  readonly onSuspicion: (error: Error) => void;
}

/** What the provider is told of its store. */
export interface ConnectionEvents {
  /** The first command was answered, or the first after an outage. */
  connected(): void;
  /** Another server may answer from now on, or one that lacks the last writes. */
  replaced(): void;
  /** The store cannot be reached any more. Told once for an outage. */
  lost(error: Error): void;
}

/** After the loss of a connection, in milliseconds: that of the others, which may be lost as well, is told by then. */
const ASK_SOON = 50;

/** And has to answer within so many milliseconds, at the second try, or the store counts as lost. */
const LONGEST_ANSWER = 1200;

/** After an outage the server is asked again every so many milliseconds. */
const ASK_AGAIN = 1000;

/**
 * The store behind a provider: is it reached, has it been replaced? Before the first command it is prepared: looked over, and
 * given its tables.
 */
export class StoreConnection {
  private prepared?: Promise<void>;
  private isPrepared = false;
  private started?: unknown;
  /** A connection was lost since the last answer. */
  private isDisturbed = false;
  /** A statement has had no answer for a while, and there was none to another one since. */
  private isSuspected = false;
  /** No other connection led to the store either. */
  private isDown = false;
  private isClosed = false;
  private retry?: NodeJS.Timeout;

  /**
   * @param schema - quoted
   * @param prepare - looks the store over; a rejection says that it cannot be used, or not now
   */
  constructor(
    private readonly runner: StatementRunner,
    private readonly schema: string,
    private readonly prepare: () => Promise<void>,
    private readonly events: ConnectionEvents,
  ) {}

  /** Resolves once the store is prepared. After a rejection it is tried again in the background. */
  async open(): Promise<void> {
    try {
      await this.prepareOnce();
    } catch (error) {
      this.askLater(ASK_AGAIN);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.retry);
    await this.runner.close();
  }

  /** Calls a function of the schema, by its name without the version. */
  readonly run: RunCommand = async (name, request) => {
    if (!this.isPrepared) await this.prepareOnce();
    const [row] = await this.runner
      .query(`SELECT ${this.schema}.${name}_v1($1) AS answer`, [JSON.stringify(request)])
      .catch((error: unknown) => {
        if (saysSchemaIsGone(error)) this.prepareAgain();
        throw error;
      });
    const answer: unknown = typeof row?.answer === 'string' ? JSON.parse(row.answer) : undefined;
    if (!Array.isArray(answer) || answer.length < 1) throw malformedAnswer(name);
    const [started, ...rest] = answer as unknown[];
    this.noteAnswer(started);
    return rest;
  };

  /** A connection was lost, in a command or idle: another one may still lead to the store. */
  disturbed(error: Error): void {
    if (this.isClosed || this.isDisturbed || !this.isPrepared) return;
    this.isDisturbed = true;
    this.askLater(ASK_SOON, error, 1);
  }

  /** A statement has had no answer for a while: do others have one? */
  suspected(error: Error): void {
    if (this.isClosed || this.isDisturbed || this.isSuspected || !this.isPrepared) return;
    this.isSuspected = true;
    this.askLater(0, error, 1);
  }

  private get isReached(): boolean {
    return this.isPrepared && !this.isDisturbed && !this.isSuspected;
  }

  private noteAnswer(started: unknown): void {
    const { isDisturbed, isDown, started: before } = this;
    this.started = started;
    this.isDisturbed = this.isSuspected = this.isDown = false;
    if (isDown) this.events.connected();
    if (isDisturbed || (before !== undefined && before !== started)) this.events.replaced();
  }

  /** The tables were dropped, and the leases with them. */
  private prepareAgain(): void {
    if (!this.isPrepared) return;
    this.isPrepared = false;
    this.prepared = undefined;
    // An answer of another server: leases and waiters have to know.
    this.isDisturbed = true;
  }

  private async prepareOnce(): Promise<void> {
    this.prepared ??= this.prepare().then(
      () => {
        this.isPrepared = true;
        this.events.connected();
      },
      (error: unknown) => {
        this.prepared = undefined;
        throw error;
      },
    );
    await this.prepared;
  }

  /** No command may be due for long, but leases and waiters have to know of another server. */
  private askLater(delay: number, lost?: Error, patience = 0): void {
    clearTimeout(this.retry);
    if (this.isClosed) return;
    this.retry = setTimeout(() => {
      if (this.isReached) return;
      const asked = this.isPrepared ? this.run('inspect', { namespace: '', keys: [''] }) : this.prepareOnce();
      answeredWithin(LONGEST_ANSWER, asked).then(undefined, () => {
        // Another command may have been answered in the meantime.
        if (this.isReached) return;
        if (patience > 0) {
          this.askLater(ASK_SOON, lost, patience - 1);
          return;
        }
        if (lost && !this.isClosed && !this.isDown) {
          this.isDown = this.isDisturbed = true;
          this.events.lost(lost);
        }
        this.askLater(ASK_AGAIN);
      });
    }, delay).unref();
  }
}

async function answeredWithin(limit: number, asked: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, limit).unref();
  });
  return Promise.race([asked, late]).finally(() => {
    clearTimeout(timer);
  });
}
