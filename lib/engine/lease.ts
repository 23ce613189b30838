import { LockLostError } from '../errors/index.js';
import type { Clock } from './clock.js';

/** What this process holds of one key under one owner, whichever of its leases cover it. */
export interface Hold {
  readonly key: string;
  readonly ownerId: string;
  /** The attempt that made the newest grant. */
  attemptId: string;
  /** The token of that grant. */
  token: number;
  /** Until when, on the local clock, the store is sure to agree; `Infinity` for a lock that never expires. */
  deadline: number;
  readonly leases: Set<Lease>;
}

/** What a lease is made of. */
export interface LeaseTerms {
  readonly keys: readonly string[];
  readonly ownerId: string;
  /** Whether the caller named the owner, who then may have taken the keys elsewhere, too. */
  readonly named: boolean;
  readonly fencingTokens: ReadonlyMap<string, number>;
  /** `null` never expires. */
  readonly ttl: number | null;
  readonly renew: boolean;
  /** When renewing ends, on the local clock. */
  readonly renewUntil: number;
}

/**
 * One grant of the store to this process: all the keys of one acquire. Several handles may share it (reentrancy); it
 * is given back when the last of them is.
 */
export class Lease {
  /** What is still held; a key leaves it when it is known to be gone. */
  readonly holds = new Map<string, Hold>();

  /** What is no longer trusted, but may still stand in the store. */
  readonly leftovers: Hold[] = [];

  /** How many handles share it. */
  joins = 1;

  /** Milliseconds for which the store is to keep the keys after the release. */
  minHold = 0;

  private lossReason?: LockLostError;
  private ended = false;
  private abort?: AbortController;

  constructor(
    readonly terms: LeaseTerms,
    private readonly clock: Clock,
  ) {}

  /** Why it can't be trusted any more, if so. */
  get loss(): LockLostError | undefined {
    return this.lossReason;
  }

  get deadline(): number {
    let earliest = Infinity;
    for (const hold of this.holds.values()) if (hold.deadline < earliest) earliest = hold.deadline;
    return earliest;
  }

  /** By when the store has let it run out; nobody here can say that of an owner who may have taken it elsewhere, too. */
  get latestEnd(): number {
    const { named, ttl } = this.terms;
    return named ? Infinity : this.clock.now() + (ttl ?? Infinity);
  }

  get remaining(): number {
    if (this.ended || this.lossReason) return 0;
    return Math.max(0, this.deadline - this.clock.now());
  }

  /** By the clock, not by the timers: a process that was frozen finds out before any timer has fired. */
  get held(): boolean {
    return this.remaining > 0;
  }

  /** Made on first use: most holders never ask for it. */
  get signal(): AbortSignal {
    this.abort ??= new AbortController();
    if (this.lossReason && !this.abort.signal.aborted) this.abort.abort(this.lossReason);
    return this.abort.signal;
  }

  lose(message: string): void {
    if (this.lossReason || this.ended) return;
    this.lossReason = new LockLostError(this.terms.keys, message);
    this.abort?.abort(this.lossReason);
  }

  /** The store has given `leftover` up: nothing is left to release. */
  forget(leftover: Hold): void {
    const index = this.leftovers.indexOf(leftover);
    if (index >= 0) this.leftovers.splice(index, 1);
  }

  /** From now on it is neither held nor can it be lost. */
  end(): void {
    this.ended = true;
  }
}
