/** What the provider uses of the package `pg`, version 8.5 or later: earlier ones end a command only after its answer. */

/** The answer to a statement. */
export interface PgResult {
  readonly rows: readonly Record<string, unknown>[];
}

/** A notification that a session has heard. */
export interface PgNotification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

/** A connection. */
export interface PgClient {
  connect(): Promise<unknown>;
  query(text: string, values?: unknown[]): Promise<PgResult>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'notification', listener: (message: PgNotification) => void): unknown;
}

/** A connection that a pool has lent. */
export interface PgPoolClient {
  query(text: string, values?: unknown[]): Promise<PgResult>;
  /** @param destroy - whether the pool has to close the connection instead of lending it again */
  release(destroy?: boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A `Pool` of the package `pg`. */
export interface PgPool {
  connect(): Promise<PgPoolClient>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'connect', listener: (client: PgPoolClient) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'connect', listener: (client: PgPoolClient) => void): unknown;
}

/** Parts of a pool that its types do not show: how to make one more connection like those in it. */
export interface PgPoolInside {
  readonly Client?: new (options: unknown) => PgClient;
  readonly options?: unknown;
}

/** The package. */
export interface Pg {
  readonly Client: new (options: Record<string, unknown>) => PgClient;
  readonly Pool: new (options: Record<string, unknown>) => PgPool;
}

/** Parts of a connection that its types do not show. */
export interface PgClientInside {
  readonly host?: string;
  readonly port?: number;
  /** The process id of the session, as the server (or a pooler) has announced it. */
  readonly processID?: number | null;
  readonly connection?: { readonly stream?: { destroy(): void } };
}

/** Ends a connection that does not answer: `end()` would wait for it. */
export function destroyConnection(client: object): void {
  (client as PgClientInside).connection?.stream?.destroy();
}
