import type {
  ExtendRequest,
  LeaseAnswer,
  LeaseRequest,
  ReleaseOutcome,
  EndRequest,
  StoredLease,
} from '../../provider-api/index.js';
import { acquireByQuorum } from './acquisition.js';
import { pollMajority, tooFew } from './poll-majority.js';
import type { Vote } from './poll.js';
import type { Quorum } from './quorum.js';
import { Renewals } from './renewals.js';

/** As many keys as `list` looks at at once. */
const LIST_CHUNK = 200;

/** Leases on a majority of nodes. */
export class QuorumLeases {
  private readonly renewals: Renewals;

  constructor(private readonly quorum: Quorum) {
    this.renewals = new Renewals(quorum);
  }

  acquire(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    const since = performance.now();
    // Without a queue: the queues of the nodes would know nothing of each other.
    const plain = requests.map((request) => (request.queue ? { ...request, queue: false } : request));
    const asked = this.quorum.nodes.map((node) => node.acquire(plain));
    return plain.map(async (request, index) => acquireByQuorum(this.quorum, request, column(asked, index), since));
  }

  extend(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    return this.renewals.extend(requests);
  }

  release(requests: readonly EndRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    for (const { keys } of requests) this.renewals.end(keys);
    const asked = this.quorum.nodes.map((node) => node.release(requests));
    return requests.map(async (request, index) => this.releaseOne(request, column(asked, index)));
  }

  /** @param seen - of the only key: the only lease to revoke */
  async revoke(keys: readonly string[], seen?: StoredLease): Promise<number> {
    const { tally, nodes } = this.quorum;
    this.renewals.end(keys);
    const held = await Promise.all(
      keys.map(async (key) => {
        const asked = nodes.map(async (node) => [(await node.revoke(key, seen)) > 0]);
        const votes = await pollMajority(this.quorum, asked, (some) => tally.held(some, 1).every(isKnown));
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
    const votes = await pollMajority(this.quorum, asked, known, 'rather-all');
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
    if (!tally.isVeto(complete)) throw tooFew(this.quorum, failed);
  }

  private async held(keys: readonly string[]): Promise<StoredLease[]> {
    return (await this.inspect(keys)).filter((lease) => lease !== null);
  }

  private async releaseOne(
    request: EndRequest,
    asked: PromiseLike<readonly ReleaseOutcome[]>[],
  ): Promise<readonly ReleaseOutcome[]> {
    const { tally, nodes } = this.quorum;
    const count = request.keys.length;
    const votes = await pollMajority(this.quorum, asked, (some) => tally.outcomes(some, count).every(isKnown));
    // A node that cannot be reached now gets the release later. Without a majority the engine repeats it on all nodes.
    asked.forEach((answer, index) => {
      answer.then(undefined, () => {
        nodes[index]?.owe(request);
      });
    });
    return tally.probable(votes, count);
  }
}

/** What each node says to the request at `index`. */
function column<Answer>(asked: readonly PromiseLike<Answer>[][], index: number): PromiseLike<Answer>[] {
  return asked.map(
    async (answers) => answers[index] ?? Promise.reject(new Error('a node gave no answer to a request')),
  );
}

function isKnown(value: unknown): boolean {
  return value !== undefined;
}
