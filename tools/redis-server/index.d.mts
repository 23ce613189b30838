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
  /** Whether `restart()` goes on with what the server has written into its config file, as a real one does. */
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

export interface SentinelOptions {
  /** How many replicas the master has; 1 by default. */
  replicas?: number;
  /** How many sentinels watch it; 3 by default. A majority of them elects. */
  sentinels?: number;
  /**
   * Whether sentinels look around more often than in real life, so that all is `settled()` within 3 s of a failover
   * instead of 25 s; true by default. A planned failover leaves the former master writable until they make a replica of
   * it: for 1 s then, instead of 8 s and more.
   */
  hurry?: boolean;
  /** More `redis.conf` directives for the servers (not the sentinels). */
  config?: Readonly<Record<string, string>>;
}

/** A master with replicas, watched by sentinels that call it down after 500 ms of silence. */
export interface SentinelGroup {
  /** What the sentinels call it. */
  readonly name: string;
  /** Where the sentinels are, as ioredis wants to know. */
  readonly sentinels: { readonly host: string; readonly port: number }[];
  /** The servers: the first one was the master at the start. Each keeps what sentinels made of it over `restart()`. */
  readonly servers: readonly RedisServer[];
  /** The sentinels' own processes, to kill and hold. */
  readonly sentinelServers: readonly RedisServer[];
  /** Which server is the master now, as most sentinels say. Rejects where they do not agree. */
  master(): Promise<RedisServer>;
  /** A planned failover; resolves with the new master when most sentinels name it and it calls itself one. */
  failover(): Promise<RedisServer>;
  /** Resolves with the new master once the sentinels have replaced `before`, which was killed or held. */
  elected(before: RedisServer): Promise<RedisServer>;
  /**
   * Resolves when every sentinel is done with the failover. To be waited for before a former master comes back empty: a
   * sentinel that has not heard of the election would take it for the master still, and the elected one for its replica.
   */
  agreed(): Promise<void>;
  /** Resolves when all replicas are in step with the master and all sentinels know everybody: before the next fault. */
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
  /** Moves up to `limit` keys of the slot, all when absent; how many it moved. Keys written meanwhile move as well. */
  moveKeys(limit?: number): Promise<number>;
  /** Gives the slot to the target. To be called once `moveKeys()` has moved all: Redis refuses it otherwise. */
  finish(): Promise<void>;
}

export interface RedisCluster {
  /** The first masters, then their replicas; who is master now, `masterOf` tells. */
  readonly nodes: readonly RedisClusterNode[];
  /** The hash slot of a key; a number is a slot already. */
  slotOf(keyOrSlot: string | number): Promise<number>;
  /** The running node that says of itself that it is master of this key's slot. Throws when there is none. */
  masterOf(keyOrSlot: string | number): Promise<RedisClusterNode>;
  /** The replicas of a master, as another node of the cluster sees them. */
  replicasOf(master: RedisClusterNode): Promise<RedisClusterNode[]>;
  /** Waits until another node than `old` is master of this key's slot and sees the cluster up. 30 s when absent. */
  newMasterOf(keyOrSlot: string | number, old: RedisClusterNode, withinMs?: number): Promise<RedisClusterNode>;
  /** Waits until every node that runs sees the cluster up. 30 s when absent. */
  ready(withinMs?: number): Promise<void>;
  /** Starts to move a slot from its master to another; step by step, for what happens in between. */
  beginSlotMigration(slot: number, to: RedisClusterNode): Promise<SlotMigration>;
  /** Moves a slot with all its keys. */
  migrateSlot(slot: number, to: RedisClusterNode): Promise<void>;
  /** Ends all nodes and removes their directories; calling it again does no harm. */
  stop(): Promise<void>;
}

/** Starts a Redis Cluster on free ports of 127.0.0.1 that is up, with its replicas in step. Needs Redis 7.0. */
export function startRedisCluster(options?: RedisClusterOptions): Promise<RedisCluster>;
