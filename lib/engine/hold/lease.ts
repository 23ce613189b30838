import type { Grant } from './grant.js';
import type { AcquireAttempt } from '../acquire/acquire-attempt.js';

/**
 * A lease is in doubt when its deadline has passed in a leap of the clock: if the machine slept it has run out, if the
 * time of day was set it has not. Only the store can tell.
 */
export interface Doubt {
  /** When the doubt ends, with the lease as lost, on the lease clock. */
  until: number;
  /** Milliseconds that it had left before the leap. */
  readonly left: number;
}

/**
 * What this process has of one key in the store, under one owner. Its holders have {@link Grant}s of it: one after
 * another where the process hands it on by itself, or at once where a named owner has taken the key more than once.
 */
export class Lease {
  readonly grants: Grant[] = [];

  /** Since when, on the local clock, another process has been waiting for it, as far as this one knows. */
  wantedSince = Infinity;

  /** How many more grants this process may make of it while another one waits. */
  turnsLeft = Infinity;

  /** Whether anybody here has had it. */
  used = false;

  /** Being renewed before it can be handed on. */
  renewing = false;

  /** An extension that has not been answered may have made it last until then. */
  mayLastUntil = 0;

  /** Until when a holder has asked for it to last, on the local clock. A waiter must not get more than it asked for. */
  extendedUntil = 0;

  /** Until when, on the local clock, the store has to keep the key after the release, because of a `minHold`. */
  keepUntil = 0;

  /** See {@link Doubt}. */
  doubt?: Doubt;

  /** Attempts of this process that have granted it before {@link attemptId}, if any: a named owner takes it again. */
  earlier?: string[];

  /** The first token that the store has set aside for it. */
  readonly firstToken: number;

  /** What it was found by, if a question of that may still reach the store and take the key once more. */
  seek?: AcquireAttempt;

  constructor(
    readonly key: string,
    readonly ownerId: string,
    /** The attempt that made the newest grant. */
    public attemptId: string,
    /** The token of the newest grant; one less than the first while there has been none. */
    public token: number,
    /** The last token that the store has set aside for it. */
    readonly lastToken: number,
    readonly ttl: number | null,
    /** Until when, on the lease clock, the store is sure to agree; `Infinity` for one that never expires. */
    public deadline: number,
    /** Whether it is handed from holder to holder within this process. */
    readonly shared: boolean,
  ) {
    this.firstToken = shared ? token + 1 : token;
  }

  /** When it counts as lost, on the lease clock: at its deadline, or a little later if that is in doubt. */
  get end(): number {
    return this.doubt ? Math.max(this.deadline, this.doubt.until) : this.deadline;
  }

  /** Whether nobody here has it, and nobody is about to. */
  get isIdle(): boolean {
    return this.grants.length === 0 && !this.renewing;
  }
}
