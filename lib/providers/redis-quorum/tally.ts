import type { LeaseAnswer, LeaseRequest, ReleaseOutcome, StoredLease } from '../../provider-api/index.js';
import { answersIn, type Verdict, type Vote } from './poll.js';

type Granted = LeaseAnswer & { granted: true };
type Refused = LeaseAnswer & { granted: false };

/** Counts what the nodes of a quorum have said, and says what it comes to. `undefined`: not known yet. */
export class Tally {
  /** So many nodes are a majority. */
  readonly quorum: number;

  constructor(private readonly size: number) {
    this.quorum = Math.floor(size / 2) + 1;
  }

  isQuorum(count: number): boolean {
    return count >= this.quorum;
  }

  /** Whether so many nodes, who say no, leave no majority for a yes. */
  isVeto(count: number): boolean {
    return count > this.size - this.quorum;
  }

  /** A grant is known from a majority on; a refusal when none can come any more and a majority has answered. */
  ofAcquire(votes: readonly Vote<LeaseAnswer>[]): Verdict {
    const answers = answersIn(votes);
    const granted = answers.filter((answer) => answer.granted).length;
    // All of them, if they are there: with the same nodes each time tokens grow, however their clocks differ.
    if (this.isQuorum(granted)) return 'rather-all';
    const given = votes.filter((vote) => vote !== undefined).length;
    return this.isVeto(given - granted) && this.isQuorum(answers.length) ? 'decided' : 'open';
  }

  granted(votes: readonly Vote<LeaseAnswer>[], { keys }: LeaseRequest): LeaseAnswer | undefined {
    const granted = answersIn(votes).filter((answer): answer is Granted => answer.granted);
    if (!this.isQuorum(granted.length)) return undefined;
    return {
      granted: true,
      fencingTokens: keys.map((_, index) => Math.max(...granted.map(({ fencingTokens }) => fencingTokens[index] ?? 0))),
      // Without a majority that has held it all the while, another owner may have in between.
      reentered: keys.map((_, index) =>
        this.isQuorum(granted.filter(({ reentered }) => reentered[index] === true).length),
      ),
    };
  }

  /** The refusal by the node that, of those that are needed, is the last to come free. */
  refused(votes: readonly Vote<LeaseAnswer>[]): LeaseAnswer | undefined {
    const answers = answersIn(votes);
    if (!this.isQuorum(answers.length)) return undefined;
    const refused = answers.filter((answer): answer is Refused => !answer.granted);
    const missing = this.quorum - (answers.length - refused.length);
    refused.sort((one, other) => (one.remaining ?? Infinity) - (other.remaining ?? Infinity));
    const last = refused[missing - 1];
    const paces = refused.flatMap(({ askWithin }) => (askWithin === undefined ? [] : [askWithin]));
    // Each node counts on being asked again within what it has said.
    return last && paces.length > 0 ? { ...last, askWithin: Math.min(...paces) } : last;
  }

  /** Which of `count` keys a majority holds. */
  held(votes: readonly Vote<readonly boolean[]>[], count: number): (boolean | undefined)[] {
    const answers = answersIn(votes);
    return Array.from({ length: count }, (_, index) => {
      const held = answers.filter((flags) => flags[index] === true).length;
      if (this.isQuorum(held)) return true;
      return this.isVeto(answers.length - held) ? false : undefined;
    });
  }

  /** What became of each key. */
  outcomes(votes: readonly Vote<readonly ReleaseOutcome[]>[], count: number): (ReleaseOutcome | undefined)[] {
    const answers = answersIn(votes);
    return Array.from({ length: count }, (_, index) => {
      const said = (outcome: ReleaseOutcome): number => answers.filter((list) => list[index] === outcome).length;
      if (this.isQuorum(said('freed'))) return 'freed';
      if (this.isQuorum(said('kept'))) return 'kept';
      return this.isVeto(said('gone')) ? 'gone' : undefined;
    });
  }

  /** What each key of a release came to, where that is not certain: as little lost as may be. */
  probable(votes: readonly Vote<readonly ReleaseOutcome[]>[], count: number): ReleaseOutcome[] {
    const answers = answersIn(votes);
    return this.outcomes(votes, count).map((outcome, index) => {
      if (outcome !== undefined) return outcome;
      const said = answers.map((list) => list[index]);
      return LIKELIEST.find((one) => said.includes(one)) ?? 'gone';
    });
  }

  /**
   * The key as a majority has it: the same owner, for as long as there is a majority.
   *
   * @param isFinal - whether no more votes will come: one that may have a majority is then as good as held
   */
  stored(
    votes: readonly Vote<readonly (StoredLease | null)[]>[],
    index: number,
    isFinal: boolean,
  ): StoredLease | null | undefined {
    const leases = answersIn(votes).map((answer) => answer[index] ?? null);
    const most = largestGroup(leases);
    if (this.isVeto(leases.length - most.length)) return null;
    if (!this.isQuorum(most.length) && !isFinal) return undefined;
    const [first] = most;
    if (!first) return null;
    const ttls = most.map(({ ttl }) => ttl ?? Infinity).sort((one, other) => other - one);
    const ttl = ttls[Math.min(this.quorum, ttls.length) - 1] ?? Infinity;
    const tokens = most.map(({ fencingToken }) => fencingToken);
    return {
      key: first.key,
      ownerId: first.ownerId,
      fencingToken: tokens.includes(null) ? null : Math.max(...tokens.map(Number)),
      ttl: ttl === Infinity ? null : ttl,
    };
  }
}

const LIKELIEST: readonly ReleaseOutcome[] = ['freed', 'kept', 'gone'];

/** The leases of the owner with the most of them. */
function largestGroup(leases: readonly (StoredLease | null)[]): readonly StoredLease[] {
  const byOwner = new Map<string, StoredLease[]>();
  let largest: StoredLease[] = [];
  for (const lease of leases) {
    if (!lease) continue;
    const group = byOwner.get(lease.ownerId) ?? [];
    group.push(lease);
    byOwner.set(lease.ownerId, group);
    if (group.length > largest.length) largest = group;
  }
  return largest;
}
