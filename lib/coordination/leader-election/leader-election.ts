import type { EventEmitter } from 'node:events';
import type { LockingService } from '../../module/locking.service.js';
import type { Candidate } from './candidate.js';
import { notLeading } from './leader-election.messages.js';
import { instanceOf, leaderKey, presencePrefix } from './leader-keys.js';
import type { LeaderElectionEvents } from './leader-term.interface.js';

/**
 * One leader election, as this instance of the application takes part in it. Inject it with `@InjectLeaderElection`.
 *
 * At most one instance at a time believes that it leads. An instance stands for leader from the start of the
 * application to its shutdown; while it waits it costs the store next to nothing.
 *
 * @example
 * constructor(@InjectLeaderElection('relay') private readonly election: LeaderElection) {}
 *
 * async relayOnce(): Promise<void> {
 *   if (this.election.isLeader()) await this.relay(this.election.signal);
 * }
 */
export class LeaderElection {
  /** Its name, as registered. */
  readonly name: string;

  /** The name of this instance in it. */
  readonly instanceId: string;

  /** How often what it holds is renewed, at least, in milliseconds. */
  readonly heartbeatInterval: number;

  /** The lease of the leadership, in milliseconds. */
  readonly leaderTimeout: number;

  /**
   * `leader`, with the term that begins, and `follower`, with the term that has ended. `follower` is also emitted once
   * after the start, with `undefined`, where another instance leads by then. The error of a
   * listener that throws is logged, and the others are called. The work of listeners is not waited for at a step-down; that of `@OnLeader` methods is.
   *
   * @example
   * election.events.on('leader', ({ fencingToken }) => logger.log(`leading with ${fencingToken}`));
   */
  readonly events: EventEmitter<LeaderElectionEvents>;

  readonly #candidate: Candidate;
  readonly #locking: () => LockingService;

  /** @internal */
  constructor(candidate: Candidate, locking: () => LockingService) {
    const { name, instanceId, heartbeatInterval, leaderTimeout } = candidate.plan;
    this.name = name;
    this.instanceId = instanceId;
    this.heartbeatInterval = heartbeatInterval;
    this.leaderTimeout = leaderTimeout;
    this.events = candidate.handlers.events;
    this.#candidate = candidate;
    this.#locking = locking;
  }

  /**
   * Whether this instance leads. It asks the local clock, not the store: once the lease may have run out it is false,
   * also in a process that was paused and has just woken, and while the store cannot be reached.
   */
  isLeader(): boolean {
    return this.#candidate.term !== undefined;
  }

  /** Is aborted when the term of this moment ends; already while this instance does not lead. */
  get signal(): AbortSignal {
    return this.#candidate.term?.signal ?? AbortSignal.abort(new DOMException(notLeading(this.name), 'AbortError'));
  }

  /** The fencing token of the term of this moment; `undefined` while this instance does not lead. */
  get fencingToken(): number | undefined {
    return this.#candidate.term?.fencingToken;
  }

  /**
   * The `instanceId` of the leader, by the store; `undefined` if there is none.
   *
   * @throws LockBackendError when the store cannot be asked
   */
  async leaderId(): Promise<string | undefined> {
    const { name, provider } = this.#candidate.plan;
    const leader = await this.#locking().inspect(leaderKey(name), { ...(provider !== undefined && { provider }) });
    return leader ? instanceOf(leader.ownerId) : undefined;
  }

  /**
   * The ids of all instances that take part, leader included, sorted. One that crashed is there until `leaderTimeout`
   * has passed; an id that was given to two instances is there twice.
   *
   * @throws LockBackendError when the store cannot be asked
   */
  async instances(): Promise<string[]> {
    const { name, provider } = this.#candidate.plan;
    const prefix = presencePrefix(name);
    const ids: string[] = [];
    const match = `${prefix}*`;
    for await (const { key, ownerId } of this.#locking().list({ match, ...(provider !== undefined && { provider }) })) {
      if (key.startsWith(prefix)) ids.push(instanceOf(ownerId));
    }
    return ids.sort();
  }

  /**
   * Steps down. `isLeader()` is false and the signal aborted at once. The calls of `@OnLeader` and `@LeaderOnly` methods
   * that are under way are then waited for, for `leaderTimeout` at most, with the lock still held; after that it is
   * handed to the first waiter. After one `heartbeatInterval` this instance stands for leader again, behind the others.
   *
   * Called from within such a method, or from what it has started, it resolves without waiting for that method: the lock
   * is released once that has ended.
   *
   * @returns whether it led until now; otherwise resolves once the lock is released
   */
  async resign(): Promise<boolean> {
    return this.#candidate.resign();
  }
}
