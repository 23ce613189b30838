import { LockConfigurationError } from '../../errors/index.js';
import { remedyOf } from '../../errors/remedy.js';
import {
  BatchedStore,
  type CancelRequest,
  type EndRequest,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type LockingProviderContext,
  type QueueingStore,
  type RecordAnswer,
  type RecordDeletion,
  type RecordListener,
  type RecordStore,
  type RecordWrite,
  type ReleaseOutcome,
  type ReleaseRequest,
  type StoredLease,
  type StoredRecord,
  type WakeUpListener,
} from '../../provider-api/index.js';
import type { ExaminationDepth, Finding, QueueEntry } from '../../provider-api/operable-store.js';
import { PIPELINED_BATCH } from './batches.js';
import { assertUsable, isForCluster } from './check-options.js';
import { LeasesBySlot } from './by-slot.js';
import { ClusterConnection } from './cluster-connection.js';
import { findEvictingPolicy } from './eviction-check.js';
import { leavesRoomForTag } from './key-slot.js';
import { RedisConnection } from './redis-connection.js';
import type { RedisLockingProviderOptions } from './redis-options.interface.js';
import { forWakeUps, loginRefused, mayEvict, notSubscribed, untaggable } from './redis.messages.js';
import { explainError } from './redis-errors.js';
import { LeaseScripts, type RepairRequest, type VotePace } from './lease-scripts.js';
import { RedisRecords } from './redis-records.js';
import { RedisWakeUps } from './redis-wake-ups.js';
import { RedisOperations, type SeenLease } from './redis-operations.js';
import { ReplicatedLeases, type Replication } from './replicated-leases.js';
import { ScriptRunner, type ScriptName } from './script-runner.js';
import type { StoreConnection } from './store-connection.js';
import { StoreKeys } from './store-keys.js';
import { StoredLeases } from './stored-leases.js';

/**
 * Locks across all processes that use the same Redis (or Valkey) server and namespace.
 *
 * A lock is the string key `namespace + key`, so other software that takes the same key with `SET NX` is respected.
 *
 * @throws LockConfigurationError at start-up, for options that cannot work
 *
 * @example
 * LockingModule.forRoot({
 *   providers: [{ resolve: RedisLockingProvider, options: { redisUrl: 'redis://localhost:6379' } }],
 * });
 */
export class RedisLockingProvider extends BatchedStore implements QueueingStore, RecordStore {
  /** The id of a provider of this class that names none. */
  static readonly identifier = 'locking-redis';

  /** The options that it has beside those of every provider: any other name is refused at start-up. */
  static readonly optionNames = [
    'redisUrl',
    'redisOptions',
    'client',
    'cluster',
    'credentials',
    'namespace',
    'minReplicas',
  ];

  readonly storeName = 'Redis';
  readonly pipelinedBatch = PIPELINED_BATCH;

  private readonly connection: StoreConnection;
  private readonly wakeUps: RedisWakeUps;
  private readonly keys: StoreKeys;
  private readonly records: RedisRecords;
  private readonly operations: RedisOperations;
  private readonly stored: StoredLeases;
  private readonly scripts: LeaseScripts;
  private readonly leases: Pick<LeaseScripts, 'acquire' | 'extend' | 'release'>;
  private readonly runner: ScriptRunner;
  private resent = 0;
  private readonly warnedOf = new Map<string, string>();

  constructor(
    options: RedisLockingProviderOptions,
    private readonly context: LockingProviderContext,
  ) {
    super();
    assertUsable(options, context.id);
    const warn = (message: string): void => {
      context.warn(message);
    };
    const { namespace = 'lock:', minReplicas = 0 } = options;
    if (isForCluster(options)) {
      this.connection = new ClusterConnection(context.id, options, warn);
      const { keyPrefix } = this.connection;
      if (!leavesRoomForTag(keyPrefix + namespace)) {
        throw new LockConfigurationError(untaggable(context.id, keyPrefix + namespace));
      }
      this.keys = new StoreKeys(namespace, keyPrefix);
    } else {
      this.connection = new RedisConnection(context.id, options, warn);
      this.keys = new StoreKeys(namespace);
    }
    const warnOfRefusal = ({ message }: Error): void => {
      this.warnOnce('subscriptions', notSubscribed(context.id, this.connection.keyPrefix + namespace, message));
    };
    this.wakeUps = new RedisWakeUps(this.connection, this.keys, {
      onRefused: warnOfRefusal,
      onLoginRefused: (error) => {
        const { message } = explainError(error) as Error;
        this.warnOnce('login', loginRefused(context.id, forWakeUps(), message, remedyOf(explainError(error)) ?? ''));
      },
      onSubscribed: () => {
        this.warnedOf.delete('login');
      },
      // WAIT follows a request, and no request precedes a hand-off.
      grantsAreOffers: minReplicas > 0,
    });
    this.runner = new ScriptRunner(this.explain, () => {
      this.resent += 1;
    });
    this.scripts = new LeaseScripts({
      keys: this.keys,
      run: this.script,
      tombstoneTtl: () => this.connection.tombstoneTtl,
    });
    const replication = minReplicas > 0 && !isForCluster(options) ? this.replication(minReplicas) : undefined;
    this.records = new RedisRecords(this.connection, this.keys, this.script, warnOfRefusal, replication);
    this.stored = new StoredLeases(this.connection, this.keys, this.script);
    this.operations = new RedisOperations(this.connection, this.keys, this.script, minReplicas);
    if (isForCluster(options)) this.leases = new LeasesBySlot(this.scripts, (key) => this.keys.slotOf(key));
    else if (replication) this.leases = new ReplicatedLeases(this.scripts, replication);
    else this.leases = this.scripts;
  }

  async connect(onConnected: () => void, onReplaced: () => void = () => undefined): Promise<void> {
    await this.connection.open(
      () => {
        onConnected();
        void this.warnOfEviction();
      },
      () => {
        this.runner.forget();
        onReplaced();
      },
    );
  }

  async close(): Promise<void> {
    this.wakeUps.close();
    this.records.close();
    this.connection.close();
    return Promise.resolve();
  }

  async listen(processId: string, listener: WakeUpListener): Promise<void> {
    await this.wakeUps.listen(processId, listener);
  }

  acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    return this.leases.acquire(requests);
  }

  extendBatch(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    return this.leases.extend(requests);
  }

  releaseBatch(requests: readonly ReleaseRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return this.leases.release(requests);
  }

  cancelBatch(requests: readonly CancelRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return this.leases.release(requests);
  }

  /** @internal For a server of a quorum: releases and cancels in their order. */
  endBatch(requests: readonly EndRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return this.leases.release(requests);
  }

  /** @internal For a server of a quorum. */
  vote(requests: readonly LeaseRequest[], pace: VotePace): PromiseLike<LeaseAnswer>[] {
    return this.scripts.vote(requests, pace);
  }

  /** @internal For a server of a quorum. Resolves with whether the owner has the key here now. */
  repair(requests: readonly RepairRequest[]): PromiseLike<boolean>[] {
    return this.scripts.repair(requests);
  }

  async revoke(keys: readonly string[]): Promise<number> {
    return this.stored.revoke(keys);
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    return this.stored.inspect(keys);
  }

  list(match = '*'): AsyncGenerator<StoredLease> {
    return this.stored.list(match);
  }

  async readRecords(names: readonly string[]): Promise<readonly (StoredRecord | null)[]> {
    return Promise.all(names.map(async (name) => this.records.read(name)));
  }

  async writeRecord(request: RecordWrite): Promise<RecordAnswer> {
    return this.records.write(request);
  }

  async deleteRecord(request: RecordDeletion): Promise<RecordAnswer> {
    return this.records.delete(request);
  }

  listRecords(prefix: string): AsyncIterable<StoredRecord> {
    return this.records.list(prefix);
  }

  async watchRecords(listener: RecordListener): Promise<void> {
    await this.records.watch(listener);
  }

  /** @internal See `OperableStore`. */
  async now(): Promise<number> {
    return this.operations.now();
  }

  /** @internal See `OperableStore`. */
  async readQueue(key: string): Promise<readonly QueueEntry[]> {
    return this.operations.readQueue(key);
  }

  /** @internal See `OperableStore`. */
  listQueued(): AsyncIterable<string> {
    return this.operations.listQueued();
  }

  /** @internal See `OperableStore`. `fencingToken: undefined` stands for any token. */
  async revokeSeen(seen: SeenLease): Promise<boolean> {
    return this.operations.revokeSeen(seen);
  }

  /** @internal See `OperableStore`. */
  async examine(depth: ExaminationDepth): Promise<readonly Finding[]> {
    return this.operations.examine(depth);
  }

  private replication(minReplicas: number): Replication {
    return {
      minReplicas,
      wait: async (count, timeout) =>
        this.send(async () => {
          const [server] = this.connection.masters();
          return server?.wait(count, timeout);
        }),
      connection: () => this.connection.current?.(),
      resent: () => this.resent,
    };
  }

  // Not an async function: see `ScriptRunner`.
  // eslint-disable-next-line @typescript-eslint/promise-function-async
  private readonly script = (name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<unknown> => {
    const { connection } = this;
    const opening = connection.opening?.(keys[0] ?? '');
    // eslint-disable-next-line @typescript-eslint/promise-function-async -- as above
    const run = (): Promise<unknown> => this.runner.run(connection.client(), name, keys, args);
    const reply = opening ? opening.then(run) : run();
    connection.watch?.(reply);
    return reply;
  };

  private readonly explain = (error: unknown): unknown => this.connection.explain(error);

  private async send<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      throw this.explain(error);
    }
  }

  private async warnOfEviction(): Promise<void> {
    const policy = await findEvictingPolicy(() => this.connection.masters());
    if (policy !== undefined) this.warnOnce('eviction', mayEvict(this.context.id, policy));
  }

  private warnOnce(subject: string, message: string): void {
    if (this.warnedOf.get(subject) === message) return;
    this.warnedOf.set(subject, message);
    this.context.warn(message);
  }
}
