import { LockLostError } from '../../errors/index.js';
import type { CallOptions } from '../options/call-options.js';
import { ranOut } from '../engine.messages.js';
import type { LeaseClock } from '../runtime/lease-clock.js';
import type { Lease } from './lease.js';
import type { Watch } from './renewer.js';
import { ContextAbort } from '../runtime/neutral-context.js';

/**
 * What one acquire was given: all of its keys. Several handles may share it (reentrancy); it is given back when the
 * last of them is.
 */
export class Grant {
  /** What is still held; a key leaves it when it is known to be gone. */
  leases: Lease[] = [];

  /** What is no longer trusted, but may still stand in the store. */
  leftovers: Lease[] = [];

  /** How many handles share it. */
  joins = 1;

  /** Milliseconds for which the store is to keep the keys after the release. */
  minHold = 0;

  /** Kept by the keeper that watches over it. */
  watch?: Watch;

  private lossReason?: LockLostError;
  private ended = false;
  private abort?: ContextAbort;
  private onCertain?: (() => void)[];

  /** Whether its leases are renewed, and until when on the local clock. */
  renew: boolean;
  renewUntil = Infinity;

  constructor(
    readonly keys: readonly string[],
    readonly ownerId: string,
    /** One per key. */
    readonly tokens: number[],
    readonly options: CallOptions,
    private readonly clock: LeaseClock,
  ) {
    this.renew = options.renew && options.ttl !== null;
  }

  /** Whether the caller named the owner, who then may have taken the keys elsewhere, too. */
  get named(): boolean {
    return this.options.ownerId !== undefined;
  }

  /** Why it can't be trusted any more, if so. */
  get loss(): LockLostError | undefined {
    return this.lossReason;
  }

  tokenOf(key: string): number | undefined {
    return this.tokens[this.keys.indexOf(key)];
  }

  leaseOf(key: string): Lease | undefined {
    return this.leases.find((lease) => lease.key === key);
  }

  get deadline(): number {
    let earliest = Infinity;
    for (const { deadline } of this.leases) if (deadline < earliest) earliest = deadline;
    return earliest;
  }

  /** When it counts as lost: see {@link Lease.end}. */
  get end(): number {
    let earliest = Infinity;
    for (const { end } of this.leases) if (end < earliest) earliest = end;
    return earliest;
  }

  /**
   * Whether it is not held for now, and the store has been asked whether it is: see {@link Doubt}. To be asked after
   * `held`, which looks at the clock.
   */
  get doubted(): boolean {
    if (this.ended || this.lossReason || this.leases.every(({ doubt }) => !doubt)) return false;
    const now = this.clock.now();
    return this.deadline <= now && now < this.end;
  }

  /** By when the store has let it run out; nobody here can say that of an owner who may have taken it elsewhere, too. */
  get latestEnd(): number {
    return this.named ? Infinity : this.clock.now() + (this.options.ttl ?? Infinity);
  }

  get remaining(): number {
    if (this.ended || this.lossReason) return 0;
    return Math.max(0, this.deadline - this.clock.now());
  }

  /** By the clock, not by the timers: a process that was frozen finds out before any timer has fired. */
  get held(): boolean {
    return this.remaining > 0;
  }

  /** Made on first use: most holders never ask for it. Listeners run in the async context of that. */
  get signal(): AbortSignal {
    this.abort ??= new ContextAbort();
    // As with `held`: the timer may be late.
    if (this.leases.length > 0 && this.clock.now() >= this.end) this.lose(ranOut(this.keys));
    if (this.lossReason && !this.abort.signal.aborted) this.abort.abort(this.lossReason);
    return this.abort.signal;
  }

  lose(message: string): void {
    if (this.lossReason || this.ended) return;
    this.lossReason = new LockLostError(this.keys, message);
    this.abort?.abort(this.lossReason);
    this.settle();
  }

  /** The store has given `leftover` up: nothing is left to release. */
  forget(leftover: Lease): void {
    this.leftovers = this.leftovers.filter((other) => other !== leftover);
  }

  /** From now on it is neither held nor can it be lost. */
  close(): void {
    this.ended = true;
    this.settle();
  }

  /** Resolves once it is certain whether it is held: at once, or when the store has answered. */
  async certainty(): Promise<void> {
    if (this.doubted) await new Promise<void>((resolve) => (this.onCertain ??= []).push(resolve));
  }

  /** It is certain now. */
  settle(): void {
    if (!this.onCertain || this.doubted) return;
    const waiting = this.onCertain;
    this.onCertain = undefined;
    for (const resolve of waiting) resolve();
  }
}
