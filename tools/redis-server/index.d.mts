/** How to run a Redis server: `spawn(command, [...args, ...serverArguments])`. */
export interface RedisBinary {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it was found, for people: `REDIS_SERVER_BIN`, `PATH` or `fetched copy`. */
  readonly source: string;
  /** The first line of `--version`. */
  readonly version: string;
}

export interface RedisServerOptions {
  /** A free port is chosen when absent. */
  port?: number;
  /** The password of the default user; none when absent. */
  password?: string;
  /** More `redis.conf` directives, written as they are: `{ appendonly: 'yes' }`. An empty value is written as `""`. */
  config?: Readonly<Record<string, string>>;
}

export interface RedisServer {
  readonly port: number;
  /** `redis://127.0.0.1:port`, with the password if there is one. */
  readonly url: string;
  /** The server's own process, not its watchdog; another one after `restart()`. */
  readonly pid: number;
  /** The server's temporary working directory: kept over `restart()`, removed by `stop()`. */
  readonly dir: string;
  /** Ends the server (SIGTERM, then SIGKILL) and removes its directory; calling it again does no harm. */
  stop(): Promise<void>;
  /** Sends a signal to the server: SIGKILL for a crash, SIGSTOP and SIGCONT for a hang. Throws when it is not running. */
  kill(signal: NodeJS.Signals): void;
  /** Ends the server if it still runs and starts it on the same port; data is lost unless `config` persists it. */
  restart(): Promise<void>;
}

export interface FindOptions {
  /** One of {@link serverNames}, such as `redis-8`: that server, from the PATH or fetched from Debian, or an error. */
  version?: string | undefined;
}

/**
 * The `version`, else `REDIS_SERVER_BIN` (a path), else `REDIS_SERVER` (a name as for `version`), else `redis-server` or
 * `valkey-server` on the PATH, else a copy fetched without root.
 */
export function findRedisServer(options?: FindOptions): Promise<RedisBinary>;

/** What `REDIS_SERVER` may name: `redis-7.0`, `redis-8`, `valkey-8`. */
export const serverNames: readonly string[];

/** Starts a Redis server on 127.0.0.1 that answers PING, and that goes when this process goes, however that happens. */
export function startRedisServer(options?: RedisServerOptions): Promise<RedisServer>;
