/** How to run PgBouncer. */
export interface PgbouncerCommand {
  readonly command: string;
  readonly args: readonly string[];
}

export interface Pgbouncer {
  readonly port: number;
  readonly url: string;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Finds or fetches it; `undefined` where there is none. */
export function findPgbouncer(): Promise<PgbouncerCommand | undefined>;

/** Starts one before the PostgreSQL on this port. */
export function startPgbouncer(
  found: PgbouncerCommand,
  server: number,
  mode: 'transaction' | 'session',
): Promise<Pgbouncer>;
