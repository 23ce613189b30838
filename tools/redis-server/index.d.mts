/** How to run a Redis server: `spawn(command, [...args, ...serverArguments])`. */
export interface RedisBinary {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it was found: `REDIS_SERVER_BIN`, `PATH` or `fetched copy`. */
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
  /** Whether `restart()` keeps the config file that the server has rewritten, as a real restart does. */
  rewritesConfig?: boolean;
  /** Runs it as a sentinel. */
  sentinel?: boolean;
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
  /**
   * Sends a signal to the server: SIGKILL for a crash, SIGSTOP and SIGCONT for a hang. Throws when it is not running.
   * After SIGKILL it returns once the process is gone, so that connections are refused from then on.
   */
  kill(signal: NodeJS.Signals): void;
  /** Ends the server if it still runs and starts it on the same port; data is lost unless `config` persists it. */
  restart(): Promise<void>;
}

export interface FindOptions {
  /** One of {@link serverNames}, such as `redis-8`. It comes from the PATH or from Debian; else it is an error. */
  version?: string | undefined;
}

/**
 * The `version`, else `REDIS_SERVER_BIN` (a path), else `REDIS_SERVER` (a name as for `version`), else `redis-server` or
 * `valkey-server` on the PATH, else a copy fetched without root.
 */
export function findRedisServer(options?: FindOptions): Promise<RedisBinary>;

/** The names that `REDIS_SERVER` accepts: `redis-7.0`, `redis-8`, `valkey-8`. */
export const serverNames: readonly string[];

/** Starts a Redis server on 127.0.0.1 that answers PING, and that ends with this process, however this process ends. */
export function startRedisServer(options?: RedisServerOptions): Promise<RedisServer>;

export interface SentinelOptions {
  /** How many replicas the master has; 1 by default. */
  replicas?: number;
  /** How many sentinels watch it; 3 by default. A majority of them elects. */
  sentinels?: number;
  /**
   * Whether sentinels check more often than in real life, so that the group is `settled()` within 3 s of a failover
   * instead of 25 s; true by default. A planned failover leaves the former master writable until they turn it into a
   * replica: for 1 s then, instead of 8 s and more.
   */
  hurry?: boolean;
  /** More `redis.conf` directives for the servers (not the sentinels). */
  config?: Readonly<Record<string, string>>;
}

/** A master with replicas, watched by sentinels that call it down after 500 ms of silence. */
export interface SentinelGroup {
  /** The name of the master in the sentinels. */
  readonly name: string;
  /** The addresses of the sentinels, as an option of ioredis. */
  readonly sentinels: { readonly host: string; readonly port: number }[];
  /**
   * The servers: the first one was the master at the start. Over `restart()` each keeps the role that sentinels gave
   * it.
   */
  readonly servers: readonly RedisServer[];
  /** The sentinels' own processes, to kill and to stop. */
  readonly sentinelServers: readonly RedisServer[];
  /** The present master, as most sentinels say. Rejects if they do not agree. */
  master(): Promise<RedisServer>;
  /** A planned failover; resolves with the new master when most sentinels name it and it calls itself one. */
  failover(): Promise<RedisServer>;
  /** Resolves with the new master once the sentinels have replaced `before`, which was killed or stopped. */
  elected(before: RedisServer): Promise<RedisServer>;
  /**
   * Resolves when every sentinel is done with the failover. Wait for it before you restart a former master without its
   * data: a sentinel that has not heard of the election would still take it for the master, and the new one for its
   * replica.
   */
  agreed(): Promise<void>;
  /**
   * Resolves when all replicas are in step with the master and all sentinels know each other: before the next fault.
   */
  settled(): Promise<void>;
  /** Ends everything and removes its directories; calling it again does no harm. */
  stop(): Promise<void>;
}

/** Starts a master, its replicas and sentinels on free ports of 127.0.0.1; resolves when a failover would lose nothing. */
export function startSentinels(options?: SentinelOptions): Promise<SentinelGroup>;

export interface RedisClusterOptions {
  /** 3 when absent, which is the fewest that can elect a new master. */
  masters?: number;
  /** Replicas of each master; 1 when absent. */
  replicas?: number;
  /** More `redis.conf` directives for every node; `cluster-node-timeout` is 2000 when absent. */
  config?: Readonly<Record<string, string>>;
}

export interface RedisClusterNode {
  /** Its 40-digit node id, kept over `server.restart()`. */
  readonly id: string;
  /** `127.0.0.1`, as the nodes announce it. */
  readonly host: string;
  readonly port: number;
  readonly busPort: number;
  readonly url: string;
  /** Its process: `server.kill('SIGKILL')` for a crash, `server.restart()` to let it join again. */
  readonly server: RedisServer;
}

export interface SlotMigration {
  readonly slot: number;
  readonly from: RedisClusterNode;
  readonly to: RedisClusterNode;
  /** Moves up to `limit` keys of the slot, all when absent; returns how many. Keys written meanwhile move as well. */
  moveKeys(limit?: number): Promise<number>;
  /** Gives the slot to the target. Call it once `moveKeys()` has moved all keys: Redis refuses it otherwise. */
  finish(): Promise<void>;
}

export interface RedisCluster {
  /** The masters at the start, then their replicas; `masterOf` returns the present masters. */
  readonly nodes: readonly RedisClusterNode[];
  /** The hash slot of a key; a number is a slot already. */
  slotOf(keyOrSlot: string | number): Promise<number>;
  /** The running node that calls itself master of this key's slot. Throws when there is none. */
  masterOf(keyOrSlot: string | number): Promise<RedisClusterNode>;
  /** The replicas of a master, as another node of the cluster sees them. */
  replicasOf(master: RedisClusterNode): Promise<RedisClusterNode[]>;
  /** Waits until another node than `old` is master of this key's slot and sees the cluster up. 30 s when absent. */
  newMasterOf(keyOrSlot: string | number, old: RedisClusterNode, withinMs?: number): Promise<RedisClusterNode>;
  /** Waits until every node that runs sees the cluster up. 30 s when absent. */
  ready(withinMs?: number): Promise<void>;
  /** Starts to move a slot from its master to another, step by step, to test the states in between. */
  beginSlotMigration(slot: number, to: RedisClusterNode): Promise<SlotMigration>;
  /** Moves a slot with all its keys. */
  migrateSlot(slot: number, to: RedisClusterNode): Promise<void>;
  /** Ends all nodes and removes their directories; calling it again does no harm. */
  stop(): Promise<void>;
}

/** Starts a Redis Cluster on free ports of 127.0.0.1 that is up, with its replicas in step. Needs Redis 7.0. */
export function startRedisCluster(options?: RedisClusterOptions): Promise<RedisCluster>;
