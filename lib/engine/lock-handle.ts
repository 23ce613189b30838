import { LockKeyError, type LockLostError } from '../errors/index.js';
import type { Duration, Lock } from '../interfaces/index.js';
import { notCovered } from './engine.messages.js';
import type { Lease } from './lease.js';

/** What a handle needs of its engine. */
export interface HandleActions {
  leave(lease: Lease, minHold: number): Promise<boolean>;
  extend(lease: Lease, expire: Duration | undefined): Promise<boolean>;
}

/** A holder's view of the leases that cover its keys: one taken for it, or several that it joined. */
export class LockHandle implements Lock {
  readonly fencingToken: number;

  // Not merely private: a lock that is logged shows what it is, not the engine behind it.
  readonly #leases: readonly [Lease, ...Lease[]];
  readonly #minHold: number;
  readonly #actions: HandleActions;
  #releasing?: Promise<boolean>;
  #combined?: AbortSignal;

  constructor(
    readonly keys: readonly string[],
    readonly ownerId: string,
    leases: readonly [Lease, ...Lease[]],
    minHold: number,
    actions: HandleActions,
  ) {
    this.#leases = leases;
    this.#minHold = minHold;
    this.#actions = actions;
    let greatest = 0;
    for (const key of keys) greatest = Math.max(greatest, this.fencingTokenFor(key));
    this.fencingToken = greatest;
  }

  get leases(): readonly Lease[] {
    return this.#leases;
  }

  fencingTokenFor(key: string): number {
    if (this.keys.includes(key)) {
      for (const { terms } of this.leases) {
        const token = terms.fencingTokens.get(key);
        if (token !== undefined) return token;
      }
    }
    throw new LockKeyError(notCovered(key, this.keys), [key]);
  }

  get signal(): AbortSignal {
    const [only, ...others] = this.#leases;
    if (others.length === 0) return only.signal;
    this.#combined ??= AbortSignal.any(this.leases.map(({ signal }) => signal));
    return this.#combined;
  }

  get remaining(): number {
    return this.#releasing ? 0 : Math.min(...this.leases.map(({ remaining }) => remaining));
  }

  get held(): boolean {
    return this.remaining > 0;
  }

  /** Why it can't be trusted any more, if so. */
  get loss(): LockLostError | undefined {
    return this.leases.find(({ loss }) => loss)?.loss;
  }

  async extend(expire?: Duration): Promise<boolean> {
    if (!this.held) return false;
    const extended = await Promise.all(this.leases.map(async (lease) => this.#actions.extend(lease, expire)));
    return extended.every(Boolean);
  }

  async release(): Promise<boolean> {
    this.#releasing ??= this.leaveAll();
    return this.#releasing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch {
      // The release is repeated in the background, and the lease runs out by itself: nothing is left to do here.
    }
  }

  private async leaveAll(): Promise<boolean> {
    const held = await Promise.all(this.leases.map(async (lease) => this.#actions.leave(lease, this.#minHold)));
    return held.every(Boolean);
  }
}
