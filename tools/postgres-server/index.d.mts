export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Where they were found: POSTGRES_BIN, PATH or a fetched copy. */
  readonly source: string;
  /** What `postgres --version` says. */
  readonly version: string;
}

export interface PostgresServerOptions {
  /** A free one without it. */
  readonly port?: number;
  /**
   * Settings of postgresql.conf. `fsync` is off, which a crash of the server alone survives; the server trusts every
   * client from this machine.
   */
  readonly config?: Readonly<Record<string, string>>;
}

export interface PostgresStandbyOptions extends PostgresServerOptions {
  /** The port at which the standby reaches the primary, where a proxy stands between them. */
  readonly through?: number;
}

export interface PostgresServer {
  readonly port: number;
  /** Of the database `postgres`, as the superuser. */
  readonly url: string;
  readonly pid: number;
  /** The server's temporary directory, with its data: kept over `restart()`, removed by `stop()`. */
  readonly dir: string;
  /** Ends the server and removes its directory; calling it again does no harm. */
  stop(): Promise<void>;
  /**
   * Sends a signal to the server and all of its processes: SIGKILL for a crash, SIGSTOP and SIGCONT for a hang. After
   * SIGKILL it returns once they are gone, so that connections are refused from then on.
   */
  kill(signal: NodeJS.Signals): void;
  /** Ends the server if it still runs and starts it on the same port, with its data. */
  restart(): Promise<void>;
  /** Makes a standby the primary, soon. */
  promote(): void;
}

/** Two servers, of which the second follows the first by streaming replication. */
export interface PostgresPair {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  stop(): Promise<void>;
}

/** Finds or fetches the programs. */
export function findPostgres(): Promise<PostgresBinaries>;

/** Starts a server for this process alone, which ends with it. */
export function startPostgresServer(options?: PostgresServerOptions): Promise<PostgresServer>;

/** Starts a primary and its standby. */
export function startPostgresPair(options?: PostgresServerOptions): Promise<PostgresPair>;

/** Starts a standby of a server that runs, with a copy of its data. */
export function startPostgresStandby(
  primary: PostgresServer,
  options?: PostgresStandbyOptions,
): Promise<PostgresServer>;
