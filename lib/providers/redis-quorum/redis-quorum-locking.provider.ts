import { readEngineSettings } from '../../engine/options/engine-settings.js';
import {
  BatchedStore,
  type BatchingStore,
  type CancelRequest,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type LockingProviderContext,
  type ReleaseOutcome,
  type ReleaseRequest,
  type StoredLease,
} from '../../provider-api/index.js';
import type { ExaminationDepth, Finding, QueueEntry } from '../../provider-api/operable-store.js';
import { QuorumConnections } from './quorum-connections.js';
import { QuorumLeases } from './quorum-leases.js';
import { QuorumOperations } from './quorum-operations.js';
import { QuorumNode } from './quorum-node.js';
import { readNodes, readNodeTimeout } from './read-nodes.js';
import { RedisNode } from './redis-node.js';
import type { RedisQuorumLockingProviderOptions } from './redis-quorum-options.interface.js';
import { evenNodes } from './redis-quorum.messages.js';
import { Tally } from './tally.js';

/** The part of `nodeTimeout` that a known outcome waits at most for the votes of prompt nodes. */
const GRACE = 1 / 10;

/**
 * Locks on several Redis servers that know nothing of each other: a process that has a majority of them holds the lock,
 * so a minority may die or hang unnoticed.
 *
 * After Salvatore Sanfilippo, "Distributed Locks with Redis" (the Redlock algorithm,
 * https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/). What Martin Kleppmann's "How to do
 * distributed locking" (https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html) holds against it
 * stands here, too: a holder that is paused beyond its lease, and a server that comes back without its data, let two
 * hold the same lock. The first is what fencing tokens are for. Those of a quorum grow as long as the same servers
 * answer or their clocks agree; a majority alone does not guarantee that. Against the second, a holder's renewals give
 * servers back what they lack, so that they may restart empty one after another, a lease apart; for more, have them
 * persist every write (`appendfsync always`), or keep one that has lost its data away for as long as the longest lease.
 *
 * There are no queues in the store: waiting processes poll. Each server prefers the process that has waited longest.
 *
 * @throws LockConfigurationError at start-up, for options that cannot work
 *
 * @example
 * LockingModule.forRoot({
 *   providers: [
 *     {
 *       resolve: RedisQuorumLockingProvider,
 *       options: { nodes: ['redis://a:6379', 'redis://b:6379', 'redis://c:6379'] },
 *     },
 *   ],
 * });
 */
export class RedisQuorumLockingProvider extends BatchedStore implements BatchingStore {
  /** The id of a provider of this class that names none. */
  static readonly identifier = 'locking-redis-quorum';

  /** The options that it has beside those of every provider: any other name is refused at start-up. */
  static readonly optionNames = ['nodes', 'nodeTimeout', 'namespace'];

  readonly storeName = 'a majority of Redis nodes';

  private readonly size: number;
  private readonly leases: QuorumLeases;
  private readonly connections: QuorumConnections;
  private readonly operations: QuorumOperations;

  constructor(
    options: RedisQuorumLockingProviderOptions,
    private readonly context: LockingProviderContext,
  ) {
    super();
    const nodeTimeout = readNodeTimeout(options, context.id);
    const plans = readNodes(options, context.id);
    const { initial, maximum } = readEngineSettings(options).backoff;
    const pace = { shortest: Math.ceil(initial), longest: Math.ceil(maximum) };
    this.connections = new QuorumConnections(context, nodeTimeout);
    const nodes = plans.map(({ name, options: ownOptions }) => {
      const own = {
        id: `${context.id} (${name})`,
        warn: (message: string): void => {
          this.connections.noteWarning(node, message);
        },
      };
      const provider = new RedisNode(ownOptions, own, pace);
      const node: QuorumNode = new QuorumNode(name, provider, nodeTimeout, this.connections);
      return node;
    });
    const tally = new Tally(nodes.length);
    this.connections.watch(nodes, tally.quorum);
    this.size = nodes.length;
    const quorum = { nodes, tally, patience: { nodeTimeout, grace: nodeTimeout * GRACE } };
    this.leases = new QuorumLeases(quorum);
    this.operations = new QuorumOperations(quorum);
  }

  async connect(onConnected: () => void): Promise<void> {
    if (this.size % 2 === 0) this.context.warn(evenNodes(this.context.id, this.size));
    await this.connections.open(onConnected);
  }

  async close(): Promise<void> {
    await this.connections.close();
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

  async revoke(keys: readonly string[]): Promise<number> {
    return this.leases.revoke(keys);
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    return this.leases.inspect(keys);
  }

  list(match?: string): AsyncIterable<StoredLease> {
    return this.leases.list(match);
  }

  /** @internal See `OperableStore`. */
  async now(): Promise<number> {
    return this.operations.now();
  }

  /** @internal A quorum has no queues in the store. */
  async readQueue(): Promise<readonly QueueEntry[]> {
    return Promise.resolve([]);
  }

  /** @internal */
  async *listQueued(): AsyncGenerator<string> {
    // There are none.
  }

  /** @internal Nodes number one grant differently. */
  readonly comparesOwnersAlone = true;

  /** @internal See `RevokingStore`. */
  async revokeSeen(seen: StoredLease): Promise<boolean> {
    return (await this.leases.revoke([seen.key], seen)) === 1;
  }

  /** @internal See `OperableStore`. */
  async examine(depth: ExaminationDepth): Promise<readonly Finding[]> {
    return this.operations.examine(depth);
  }
}
