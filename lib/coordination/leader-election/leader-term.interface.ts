/**
 * One term of leadership: from the election of this instance to its end. The next term, here or elsewhere, has a
 * greater `fencingToken`.
 *
 * @example
 * \@OnLeader('relay')
 * async relay({ signal, fencingToken }: LeaderTerm): Promise<void> {
 *   while (!signal.aborted) await this.relayBatch(fencingToken, signal);
 * }
 */
export interface LeaderTerm {
  /** The name of the election. */
  readonly name: string;

  /** The instance that leads: this one. */
  readonly instanceId: string;

  /**
   * Greater than that of every term before. Store it with what the leader writes, and refuse a write that brings a
   * smaller one: that is what protects data from a leader that was paused for longer than `leaderTimeout`.
   */
  readonly fencingToken: number;

  /**
   * Is aborted when the term ends: with a `LockLostError` as its reason where the leadership was lost, with an `AbortError`
   * where this instance steps down.
   */
  readonly signal: AbortSignal;

  /** Milliseconds for which the leadership is certain, if nothing more were heard of the store; 0 once it is over. */
  readonly remaining: number;
}

/** The events of an election and what their listeners are given; for `election.events`. */
export interface LeaderElectionEvents {
  /** This instance leads from now on. */
  leader: [term: LeaderTerm];

  /** This instance no longer leads, and which term has ended; or, once after the start, another instance leads. */
  follower: [ended: LeaderTerm | undefined];

  /**
   * Another instance leads than before, or the first one that was seen: its `instanceId`. On every instance, the new leader
   * included. Others see it within a `heartbeatInterval`; while there is a listener, each looks once in that time.
   */
  newLeader: [instanceId: string];
}

/** The events for which methods can be decorated. */
export type RoleEvent = Exclude<keyof LeaderElectionEvents, 'newLeader'>;
