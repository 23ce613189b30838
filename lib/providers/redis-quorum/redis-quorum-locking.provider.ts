import type {
  ExtendRequest,
  LeaseAnswer,
  LeaseRequest,
  LockingProvider,
  LockingProviderContext,
  ReleaseOutcome,
  ReleaseRequest,
  StoredLease,
} from '../../interfaces/index.js';
import { RedisLockingProvider } from '../redis/redis-locking.provider.js';
import { acquireByQuorum, type Quorum } from './acquisition.js';
import { answersIn, poll, reasonsIn, type Verdict, type Vote } from './poll.js';
import { QuorumConnections } from './quorum-connections.js';
import { QuorumNode } from './quorum-node.js';
import { readNodes, readNodeTimeout } from './read-nodes.js';
import type { RedisQuorumLockingProviderOptions } from './redis-quorum-options.interface.js';
import { evenNodes, tooFewAnswered, undecided } from './redis-quorum.messages.js';
import { Tally } from './tally.js';

/** The part of `nodeTimeout` that a known outcome waits at most for the votes of prompt nodes. */
const GRACE = 1 / 10;

/** As many keys as `list` looks at at once. */
const LIST_CHUNK = 200;

/**
 * Locks on several Redis servers that know nothing of each other: whoever has a majority of them holds the lock, so a
 * minority may die or hang without anybody noticing.
 *
 * After Salvatore Sanfilippo, "Distributed Locks with Redis" (the Redlock algorithm,
 * https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/). What Martin Kleppmann's "How to do
 * distributed locking" (https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html) holds against it
 * stands here, too: a holder that is paused beyond its lease, and a server that comes back without its data, let two
 * hold the same lock. The first is what fencing tokens are for. Those of a quorum grow as long as the same servers
 * answer or their clocks agree; a majority alone does not guarantee that. Against the second, have servers persist
 * every write (`appendfsync always`), or keep one that has lost its data away for as long as the longest lease.
 *
 * There are no lines in the store: waiting processes poll with a growing, jittered interval, and come in no order.
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
export class RedisQuorumLockingProvider implements LockingProvider {
  static readonly identifier = 'locking-redis-quorum';
  static readonly optionNames = ['nodes', 'nodeTimeout', 'namespace'];

  readonly storeName = 'a majority of Redis nodes';

  private readonly quorum: Quorum;
  private readonly connections: QuorumConnections;

  constructor(
    options: RedisQuorumLockingProviderOptions,
    private readonly context: LockingProviderContext,
  ) {
    const nodeTimeout = readNodeTimeout(options, context.id);
    const plans = readNodes(options, context.id);
    this.connections = new QuorumConnections(context, nodeTimeout);
    const nodes = plans.map(({ name, options: own }) => {
      const provider = new RedisLockingProvider(own, {
        id: `${context.id} (${name})`,
        warn: (message) => {
          this.connections.noteWarning(node, message);
        },
      });
      const node: QuorumNode = new QuorumNode(name, provider, nodeTimeout, this.connections);
      return node;
    });
    const tally = new Tally(nodes.length);
    this.connections.watch(nodes, tally.quorum);
    this.quorum = { nodes, tally, patience: { nodeTimeout, grace: nodeTimeout * GRACE } };
  }

  async connect(onConnected: () => void): Promise<void> {
    const { nodes } = this.quorum;
    if (nodes.length % 2 === 0) this.context.warn(evenNodes(this.context.id, nodes.length));
    await this.connections.open(onConnected);
  }

  async close(): Promise<void> {
    await this.connections.close();
  }

  acquire(requests: readonly LeaseRequest[]): Promise<LeaseAnswer>[] {
    const since = performance.now();
    // In no line: the nodes' lines would know nothing of each other.
    const plain = requests.map((request) =>
      request.address === undefined ? request : { ...request, address: undefined },
    );
    const asked = this.quorum.nodes.map((node) => node.acquire(plain));
    return plain.map(async (request, index) => acquireByQuorum(this.quorum, request, column(asked, index), since));
  }

  extend(requests: readonly ExtendRequest[]): Promise<readonly boolean[]>[] {
    const asked = this.quorum.nodes.map((node) => node.extend(requests));
    return requests.map(async (request, index) => this.extendOne(request, column(asked, index)));
  }

  release(requests: readonly ReleaseRequest[]): Promise<readonly ReleaseOutcome[]>[] {
    const asked = this.quorum.nodes.map((node) => node.release(requests));
    return requests.map(async (request, index) => this.releaseOne(request, column(asked, index)));
  }

  async forceRelease(keys: readonly string[]): Promise<number> {
    const { tally, nodes } = this.quorum;
    const held = await Promise.all(
      keys.map(async (key) => {
        const asked = nodes.map(async (node) => [(await node.forceRelease(key)) > 0]);
        const votes = await this.poll(asked, (some) => tally.held(some, 1).every(isKnown));
        // Not known is held as far as anybody can tell: it was, on some nodes.
        return tally.held(votes, 1)[0] !== false;
      }),
    );
    return held.filter(Boolean).length;
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    const { tally, nodes } = this.quorum;
    const asked = nodes.map(async (node) => node.inspect(keys));
    const known = (votes: readonly Vote<readonly (StoredLease | null)[]>[]): boolean =>
      keys.every((_, index) => tally.stored(votes, index, false) !== undefined);
    const votes = await this.poll(asked, known, 'rather-all');
    return keys.map((_, index) => tally.stored(votes, index, true) ?? null);
  }

  async *list(match?: string): AsyncGenerator<StoredLease> {
    const { tally, nodes } = this.quorum;
    const seen = new Set<string>();
    let chunk: string[] = [];
    let complete = 0;
    const failed: Vote<never>[] = [];
    for (const node of nodes) {
      // What a majority has is on one of these.
      if (tally.isVeto(complete)) break;
      try {
        for await (const key of node.keys(match)) {
          if (seen.has(key)) continue;
          seen.add(key);
          chunk.push(key);
          if (chunk.length < LIST_CHUNK) continue;
          yield* await this.held(chunk);
          chunk = [];
        }
        complete += 1;
      } catch (error) {
        failed.push({ error });
      }
    }
    if (chunk.length > 0) yield* await this.held(chunk);
    if (!tally.isVeto(complete)) throw this.tooFew(failed);
  }

  private async held(keys: readonly string[]): Promise<StoredLease[]> {
    return (await this.inspect(keys)).filter((lease) => lease !== null);
  }

  private async extendOne(request: ExtendRequest, asked: Promise<readonly boolean[]>[]): Promise<readonly boolean[]> {
    const { tally, nodes, patience } = this.quorum;
    const { keys, ttl } = request;
    // Each node extends all of the keys or none: it counts as one that has extended them only with all.
    const isDone = (votes: readonly Vote<readonly boolean[]>[]): boolean =>
      tally.isQuorum(answersIn(votes).filter((flags) => flags.every(Boolean)).length);
    const flagsOf = (votes: readonly Vote<readonly boolean[]>[]): (boolean | undefined)[] =>
      tally.held(votes, keys.length);
    const votes = await this.poll(asked, (some) => isDone(some) || flagsOf(some).includes(false));
    if (isDone(votes)) return keys.map(() => true);
    const flags = flagsOf(votes);
    if (!flags.every(isKnown)) {
      // One is certainly lost; of the others it is only to be said what is known, and that takes everybody.
      const all = flags.includes(false) ? await this.poll(asked, (some) => flagsOf(some).every(isKnown)) : votes;
      const known = flagsOf(all);
      if (known.every(isKnown)) return known.map((flag) => flag === true);
      throw new Error(undecided(nodes.length, reasonsIn(all, nodes, patience)));
    }
    if (flags.includes(false) || ttl === null) return flags.map((flag) => flag === true);
    // A majority has each key, but not the same one.
    const single = this.extend(keys.map((key) => ({ ...request, keys: [key] })));
    return (await Promise.all(single)).map(([flag]) => flag === true);
  }

  private async releaseOne(
    request: ReleaseRequest,
    asked: Promise<readonly ReleaseOutcome[]>[],
  ): Promise<readonly ReleaseOutcome[]> {
    const { tally, nodes } = this.quorum;
    const count = request.keys.length;
    const votes = await this.poll(asked, (some) => tally.outcomes(some, count).every(isKnown));
    // Whoever cannot be told now is told later; without a majority, all are told again by whoever asked for it.
    asked.forEach((answer, index) => {
      answer.catch(() => {
        nodes[index]?.owe(request);
      });
    });
    return tally.probable(votes, count);
  }

  /** Asks until `isKnown`, or until nobody else answers. Rejects without answers from a majority. */
  private async poll<Answer>(
    asked: readonly Promise<Answer>[],
    isDecided: (votes: readonly Vote<Answer>[]) => boolean,
    decided: Verdict = 'decided',
  ): Promise<readonly Vote<Answer>[]> {
    const { nodes, patience, tally } = this.quorum;
    const votes = await poll(nodes, asked, patience, (some) => (isDecided(some) ? decided : 'open'));
    if (!tally.isQuorum(answersIn(votes).length)) throw this.tooFew(votes);
    return votes;
  }

  private tooFew(votes: readonly Vote<unknown>[]): Error {
    const { nodes, patience, tally } = this.quorum;
    const reasons = reasonsIn(votes, nodes, patience);
    return new Error(tooFewAnswered(answersIn(votes).length, nodes.length, tally.quorum, reasons));
  }
}

/** What each node says to the request at `index`. */
function column<Answer>(asked: readonly Promise<Answer>[][], index: number): Promise<Answer>[] {
  return asked.map(
    async (answers) => answers[index] ?? Promise.reject(new Error('a node gave no answer to a request')),
  );
}

function isKnown(value: unknown): boolean {
  return value !== undefined;
}
