import type { Cluster, Redis } from 'ioredis';
import { remedyOf, withRemedy } from '../../errors/remedy.js';
import { StoreNotReachedError } from '../../provider-api/index.js';
import { ClusterLogins } from './cluster-logins.js';
import { LONGEST_RECONNECT_DELAY } from './connection-options.js';
import { createCluster } from './create-cluster.js';
import { refusesLogin } from './credentials.js';
import { untilReady } from './first-connection.js';
import { keySlot } from './key-slot.js';
import { isSameNode, NodeRecovery } from './ioredis-workarounds/node-recovery.js';
import {
  clientEnded,
  clusterFails,
  connectionBroken,
  connectionClosed,
  connectionLost,
  forCommands,
  loginRefused,
  notConnected,
  silent,
} from './redis.messages.js';
import { explainError } from './redis-errors.js';
import { SilenceWatch } from './ioredis-workarounds/silence-watch.js';
import { isDead, LONGEST_SILENCE } from './ioredis-workarounds/silent-connection.js';
import type { RedisLockingProviderOptions } from './redis-options.interface.js';
import type { StoreConnection } from './store-connection.js';

/** TCP delivers what it has for up to so long, in milliseconds, and nothing cuts off what went to other nodes. */
const VOID_FOR = 900_000;

/** What ioredis, or the cluster, says of a command that no node has run. */
const NOT_RUN = /^(?:Too many Cluster redirections|CLUSTERDOWN|TRYAGAIN|Cluster isn't ready)/;

/** What ioredis says of a command whose connection was lost, or was never made. */
const CLOSED = 'Connection is closed.';

/** The connections to the nodes of a Redis Cluster: the provider's own, or the application's. */
export class ClusterConnection implements StoreConnection {
  readonly tombstoneTtl = VOID_FOR;
  readonly subscribesToNodes = true;
  readonly subscriptions = 2;

  private cluster?: Cluster;
  private recovery?: NodeRecovery;
  private onReady?: () => void;
  private started: Promise<void> = Promise.resolve();
  private wasReady = false;
  private lastError?: string;
  private someNode?: Redis;
  private readonly logins: ClusterLogins;
  private isRefused = false;
  private hasWorked = false;
  private readonly closing = new AbortController();
  private readonly silence = new SilenceWatch(
    () => this.cluster?.nodes('all') ?? [],
    LONGEST_SILENCE,
    (node) => {
      void this.replaceSilent(node);
    },
  );

  constructor(
    private readonly id: string,
    private readonly options: RedisLockingProviderOptions,
    private readonly warn: (message: string) => void,
  ) {
    this.logins = new ClusterLogins(options, (error) => {
      this.noteError(error);
    });
  }

  async open(onConnected: () => void, onReplaced: () => void): Promise<void> {
    const cluster = (this.options.client as Cluster | undefined) ?? (await this.create());
    if (this.closing.signal.aborted) {
      if (!this.options.client) cluster.disconnect();
      throw new StoreNotReachedError(connectionClosed());
    }
    this.cluster = cluster;
    this.logins.follow(cluster);
    const recovery = (this.recovery = new NodeRecovery(cluster, onReplaced));
    const start = async (): Promise<void> => {
      await recovery.start();
      if (this.closing.signal.aborted) throw new StoreNotReachedError(connectionClosed());
      this.lastError = undefined;
      this.wasReady = true;
      this.hasWorked = true;
      this.isRefused = false;
      onConnected();
    };
    this.onReady = () => {
      this.started = start();
      this.started.catch(() => undefined);
    };
    cluster.on('error', this.noteError).on('node error', this.noteError).on('close', this.noteClose);
    cluster.on('ready', this.onReady).on('+node', this.noteNode).on('end', this.noteEnd);
    if (cluster.status === 'ready') {
      this.onReady();
      return this.started;
    }
    // Told below: its own promise may stay open, where the nodes answer but the cluster is down.
    if (cluster.status === 'wait') cluster.connect().catch(() => undefined);
    try {
      await untilReady(cluster, this.closing.signal);
      await this.started;
    } catch (error) {
      throw new Error((await this.findCause()) ?? (error as Error).message, { cause: error });
    }
  }

  close(): void {
    this.closing.abort();
    this.recovery?.stop();
    this.silence.stop();
    const { cluster } = this;
    if (!cluster) return;
    cluster
      .off('end', this.noteEnd)
      .off('close', this.noteClose)
      .off('node error', this.noteError)
      .off('+node', this.noteNode);
    if (this.onReady) cluster.off('ready', this.onReady);
    if (this.options.client) cluster.off('error', this.noteError);
    else cluster.disconnect();
  }

  client(): Cluster {
    if (this.cluster?.status !== 'ready') throw new StoreNotReachedError(notConnected(this.lastError));
    this.silence.begin();
    return this.cluster;
  }

  masters(): readonly Redis[] {
    return this.client().nodes('master');
  }

  /** To any master: each of them hears what is published on any other. It ends when that node leaves the cluster. */
  forSubscriptions(taken: readonly Redis[]): Redis {
    const cluster = this.client();
    const free = this.masters().filter((node) => !taken.some((other) => isSameNode(node, other)));
    const ready = free.filter(({ status }) => status === 'ready');
    const nodes = ready.length > 0 ? ready : free;
    const node = nodes[Math.floor(Math.random() * nodes.length)];
    if (!node) throw new StoreNotReachedError(notConnected(this.lastError));
    const subscriber = this.logins.duplicate(node);
    const onLoss = (lost: Redis): void => {
      if (isSameNode(lost, node)) subscriber.disconnect();
    };
    cluster.on('-node', onLoss);
    subscriber.once('end', () => cluster.off('-node', onLoss));
    return subscriber;
  }

  get keyPrefix(): string {
    const { client, cluster } = this.options;
    const { keyPrefix, redisOptions } = (client as Cluster | undefined)?.options ?? cluster?.options ?? {};
    return keyPrefix ?? redisOptions?.keyPrefix ?? '';
  }

  explain(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    if (error.message === CLOSED) return new Error(connectionLost(), { cause: error });
    const explained = NOT_RUN.test(error.message) ? new StoreNotReachedError(error.message) : explainError(error);
    if (!this.options.client || !(explained instanceof StoreNotReachedError)) return explained;
    // A client that sends commands again by itself may have had this one run before.
    return withRemedy(new Error(explained.message, { cause: error }), remedyOf(explained));
  }

  opening(key: string): Promise<void> | undefined {
    const opening = this.recovery?.openingFor(() => keySlot(this.keyPrefix + key));
    return opening?.catch(() => {
      throw new StoreNotReachedError(notConnected(this.lastError));
    });
  }

  watch(command: Promise<unknown>): void {
    this.recovery?.watch(command);
  }

  /** Only the message: the error of a refused AUTH carries the password among the command's arguments. */
  private readonly noteError = (error: Error & { readonly lastNodeError?: Error }): void => {
    const cause = error.lastNodeError ?? error;
    const { message } = cause;
    // That says no more than that it has failed.
    if (message !== CLOSED) this.lastError = message;
    if (!refusesLogin(cause)) return;
    void this.logins.renew();
    if (!this.hasWorked || this.isRefused) return;
    this.isRefused = true;
    const explained = explainError(cause) as Error;
    this.warn(loginRefused(this.id, forCommands(), explained.message, remedyOf(explained) ?? ''));
  };

  private readonly noteNode = (node: Redis): void => {
    this.someNode ??= node;
    this.silence.begin();
  };

  /** Its end leads to a new connection to this node, or to the one that has its slots now. */
  private async replaceSilent(node: Redis): Promise<void> {
    if (this.options.client && (!(await isDead(node)) || this.closing.signal.aborted)) return;
    this.lastError = silent(LONGEST_SILENCE);
    node.disconnect(true);
  }

  /** ioredis keeps to itself why it could not connect: one of the first nodes is asked once more. */
  private async findCause(): Promise<string | undefined> {
    if (this.lastError !== undefined || !this.someNode) return this.lastError;
    const probe = this.someNode.duplicate({ lazyConnect: true, enableOfflineQueue: false, retryStrategy: null });
    probe.on('error', this.noteError);
    try {
      await probe.connect();
      if ((await probe.cluster('INFO')).includes('cluster_state:fail')) this.lastError = clusterFails();
    } catch (error) {
      this.noteError(error as Error);
    } finally {
      probe.disconnect();
    }
    return this.lastError;
  }

  private readonly noteClose = (): void => {
    if (!this.wasReady) return;
    this.wasReady = false;
    // Of a client that will not connect again, that is told by `noteEnd`.
    if (!this.options.client || this.cluster?.status !== 'end') this.warn(connectionBroken(this.id, this.lastError));
  };

  /** The `clusterRetryStrategy` gives up. An own cluster goes on; a client has its reasons. */
  private readonly noteEnd = (): void => {
    if (this.options.client) {
      this.lastError = clientEnded();
      this.warn(connectionBroken(this.id, this.lastError));
      return;
    }
    setTimeout(() => {
      const { cluster } = this;
      if (!this.closing.signal.aborted && cluster?.status === 'end') cluster.connect().catch(() => undefined);
    }, LONGEST_RECONNECT_DELAY).unref();
  };

  private async create(): Promise<Cluster> {
    const cluster = await createCluster(this.id, this.options);
    this.logins.attach(cluster);
    return cluster;
  }
}
