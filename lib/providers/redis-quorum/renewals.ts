import type { ExtendRequest, HeldLease } from '../../provider-api/index.js';
import { pollMajority } from './poll-majority.js';
import { answersIn, reasonsIn, type Vote } from './poll.js';
import type { Quorum } from './quorum.js';
import { undecided } from './redis-quorum.messages.js';

/** For how long after its confirmation by a majority a lease may be given to nodes that lack it, in milliseconds. */
const FRESH_FOR = 1000;

type Flags = readonly boolean[];

/** An extension, from when it is sent until nothing that follows from it is under way. */
class Renewal {
  /** Until when nodes may be repaired, on the local clock. */
  freshUntil = Infinity;

  readonly isFresh = (): boolean => performance.now() < this.freshUntil;
}

/**
 * Extends leases on a majority of the nodes, and repairs them on nodes that answer that they lack them: a node may
 * have been down at the grant, or have lost its data since. By that a lock survives that all nodes restart empty one
 * after another.
 *
 * Only a majority's confirmation of the same round allows it, and a node takes the lease only if the key is free
 * there. So a lock that was released or revoked elsewhere can at most come back on a minority, and the next round, which
 * finds it lost, cancels it there. A release in this process ends the repairs that are to come, and waits on each node
 * for the one under way.
 */
export class Renewals {
  /** Those under way, by key. */
  private readonly open = new Map<string, Set<Renewal>>();

  constructor(private readonly quorum: Quorum) {}

  extend(requests: readonly ExtendRequest[]): PromiseLike<Flags>[] {
    const since = performance.now();
    const asked = this.quorum.nodes.map((node) => node.extend(requests));
    return requests.map(async (request, index) =>
      this.extendOne(
        request,
        asked.map(async (answers) => answers[index] ?? Promise.reject(new Error('a node gave no answer to a request'))),
        since,
      ),
    );
  }

  /** These keys are being released: no earlier confirmation gives them to a node any more. */
  end(keys: readonly string[]): void {
    if (this.open.size === 0) return;
    for (const key of keys) for (const renewal of this.open.get(key) ?? []) renewal.freshUntil = -Infinity;
  }

  private async extendOne(request: ExtendRequest, asked: PromiseLike<Flags>[], since: number): Promise<Flags> {
    const { tally, nodes, patience } = this.quorum;
    const { keys, ttl, leases } = request;
    const renewal = this.begin(keys);
    const repairs: PromiseLike<void>[] = [];
    const close = (): void => {
      void Promise.allSettled([...asked, ...repairs]).then(() => {
        this.close(keys, renewal);
      });
    };
    try {
      // Each node extends all of the keys or none: it counts as one that has extended them only with all.
      const isDone = (votes: readonly Vote<Flags>[]): boolean =>
        tally.isQuorum(answersIn(votes).filter((flags) => flags.every(Boolean)).length);
      const flagsOf = (votes: readonly Vote<Flags>[]): (boolean | undefined)[] => tally.held(votes, keys.length);
      let votes = await pollMajority(this.quorum, asked, (some) => isDone(some) || flagsOf(some).includes(false));
      if (isDone(votes)) {
        repairs.push(...this.repair(request, asked, renewal, since, ttl));
        return keys.map(() => true);
      }
      let flags = flagsOf(votes);
      // One is certainly lost; of the others it is only to be said what is known, and that takes everybody.
      if (!flags.every(isKnown) && flags.includes(false)) {
        votes = await pollMajority(this.quorum, asked, (some) => flagsOf(some).every(isKnown));
        flags = flagsOf(votes);
      }
      if (!flags.every(isKnown)) throw new Error(undecided(nodes.length, reasonsIn(votes, nodes, patience)));
      if (flags.includes(false)) {
        this.cancelLost(request, flags, asked);
        return flags.map((flag) => flag === true);
      }
      if (ttl === null) {
        repairs.push(...this.repair(request, asked, renewal, since, null));
        return keys.map(() => true);
      }
      // A majority has each key, but not the same one.
      const single = this.extend(keys.map((key, index) => ({ ...request, keys: [key], leases: [leases?.[index]] })));
      return (await Promise.all(single)).map(([flag]) => flag === true);
    } finally {
      close();
    }
  }

  /** @param ttl - for how long a majority has extended the keys; `null` if it has not */
  private repair(
    { keys, ownerId, leases = [] }: ExtendRequest,
    asked: readonly PromiseLike<Flags>[],
    renewal: Renewal,
    since: number,
    ttl: number | null,
  ): PromiseLike<void>[] {
    if (renewal.freshUntil === Infinity) renewal.freshUntil = performance.now() + FRESH_FOR;
    const { isFresh } = renewal;
    return this.quorum.nodes.map(async (node, index) => {
      const flags = await asked[index];
      const given = keys.map(async (key, position) => {
        const lease = leases[position];
        if (!lease || flags?.[position] !== false || !isFresh()) return;
        const until = since + Math.max(ttl ?? 0, lease.remaining ?? Infinity);
        await new Promise<void>((onEnd) => {
          node.repair({ ...lease, key, ownerId, until, isFresh, onEnd });
        });
      });
      await Promise.all(given);
    });
  }

  /**
   * The remains of lost leases are of no use, and one that never expires would stay there. A node that lacks the
   * lease is told as well: a repair of it may be under way, which the cancellation then waits for.
   */
  private cancelLost(
    { keys, ownerId, leases = [] }: ExtendRequest,
    flags: readonly (boolean | undefined)[],
    asked: readonly PromiseLike<Flags>[],
  ): void {
    const lost = keys.flatMap((key, position) => {
      const lease: HeldLease | undefined = leases[position];
      return lease && flags[position] === false ? [{ key, attemptId: lease.attemptId }] : [];
    });
    this.end(lost.map(({ key }) => key));
    asked.forEach((answer, index) => {
      const cancel = (): void => {
        for (const { key, attemptId } of lost)
          this.quorum.nodes[index]?.owe({ keys: [key], ownerId, attemptId, processId: '', pending: false });
      };
      answer.then(cancel, cancel);
    });
  }

  private begin(keys: readonly string[]): Renewal {
    const renewal = new Renewal();
    for (const key of keys) {
      const others = this.open.get(key);
      if (others) others.add(renewal);
      else this.open.set(key, new Set([renewal]));
    }
    return renewal;
  }

  private close(keys: readonly string[], renewal: Renewal): void {
    for (const key of keys) {
      const others = this.open.get(key);
      others?.delete(renewal);
      if (others?.size === 0) this.open.delete(key);
    }
  }
}

function isKnown(value: unknown): boolean {
  return value !== undefined;
}
