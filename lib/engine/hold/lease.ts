import type { LossReason } from '../../diagnostics/messages.interface.js';
import type { HoldTrace } from '../../diagnostics/traces.js';
import { LockLostError } from '../../errors/index.js';
import { ranOut, type LeaseEnd } from '../engine.messages.js';
import type { CallOptions } from '../options/call-options.js';
import type { LeaseClock } from '../runtime/lease-clock.js';
import type { ListElement } from '../runtime/linked-list.js';
import { ContextAbort } from '../runtime/neutral-context.js';

/**
 * The attempt that a lease comes from, as long as a late request of it may still reach the store and acquire the key
 * once more.
 */
export interface LeaseSource {
  readonly unsettled: boolean;

  /** Undoes what may still arrive: now, or once its request is answered. */
  settle(): void;

  /** A release of the lease is under way: an undo must not overtake it, or the store would answer that the key is gone. */
  releasing(): void;
  released(): void;
}

/** How long a lease is in doubt at most, in milliseconds: without an answer of the store it counts as lost then. */
const LONGEST_DOUBT = 5000;

/**
 * What this process has of one key in the store, under one owner. Its holders have {@link Grant}s of it: one after
 * another if the process hands it on by itself, or at once if a named owner has acquired the key more than once.
 */
export class Lease {
  /** Kept by the LeaseTable. */
  grants: Grant[] = [];

  /** Attempts of this process that have granted it before {@link attemptId}: a named owner acquires it again. */
  earlier?: string[];

  /** Kept by the LeaseTable. */
  source?: LeaseSource;

  /** Since when, on the lease clock, another process has been waiting for it; how many more grants it is good for. */
  contention?: { readonly since: number; grantsLeft: number };

  /** How often it was granted here; whether it is being renewed before the next grant. Kept by the LocalHandOff. */
  grantsMade = 0;
  renewing = false;

  /**
   * It is in doubt when its deadline has passed in a leap of the clock: if the machine slept it has expired, if the time of
   * day was set it has not. Only the store can tell. `left` is how many milliseconds it had before the leap.
   */
  private doubt?: { readonly until: number; readonly left: number };

  /** A caller's extension: what it asked for, and until when that may make the lease last at most. */
  extendedUntil = 0;
  private mayLastUntil = 0;

  /** Until when the store has to keep the key after the release, because of a `minHold`. */
  keepUntil = 0;

  /** A transaction of the application may rely on it, and only the store can tell when that has ended: no hand-off here. */
  isReliedOn = false;

  constructor(
    readonly key: string,
    readonly ownerId: string,
    /** The attempt that made the newest grant. */
    public attemptId: string,
    /** The token of the newest grant; one less than the first while there has been none. */
    public token: number,
    /** How many more tokens the store has set aside for it. */
    public tokensLeft: number,
    readonly ttl: number | null,
    /** Until when, on the lease clock, the store is sure to agree; `Infinity` for one that never expires. */
    public deadline: number,
    /** Whether it is handed from holder to holder within this process. */
    readonly shared: boolean,
  ) {}

  /** The first and the last token that the store has set aside for it. */
  get firstToken(): number {
    return this.shared ? this.token - this.grantsMade + 1 : this.token;
  }

  get lastToken(): number {
    return this.token + this.tokensLeft;
  }

  /** When it counts as lost, on the lease clock: at its deadline, or a little later if that is in doubt. */
  get end(): number {
    return this.doubt ? Math.max(this.deadline, this.doubt.until) : this.deadline;
  }

  /** Whether it has no holder here, and is not about to have one. */
  get isIdle(): boolean {
    return this.grants.length === 0 && !this.renewing;
  }

  /** By when the store has let it expire, whatever became of its extensions. */
  get latestEnd(): number {
    return Math.max(this.deadline, this.mayLastUntil);
  }

  get isInDoubt(): boolean {
    return this.doubt !== undefined;
  }

  /** The milliseconds to ask for in order to end the doubt. */
  get leftInDoubt(): number {
    return this.doubt?.left ?? Infinity;
  }

  /** The next holder here is granted it. */
  countGrant(): void {
    this.grantsMade += 1;
    this.token += 1;
    this.tokensLeft -= 1;
    if (this.contention) this.contention.grantsLeft -= 1;
  }

  extendTo(deadline: number): void {
    if (deadline > this.deadline) this.deadline = deadline;
  }

  /** The lease clock has leapt from `before` to `after`. */
  leap(before: number, after: number): void {
    if (this.deadline > after) return;
    if (this.deadline > before) {
      const left = this.deadline - before;
      this.doubt = { left, until: after + Math.min(left, LONGEST_DOUBT) };
    } else if (this.doubt) this.doubt = { left: this.doubt.left, until: this.doubt.until + after - before };
  }

  /** The store has confirmed it. */
  settleDoubt(now: number): void {
    if (this.doubt && this.deadline > now) this.doubt = undefined;
    for (const grant of this.grants) grant.settle();
  }

  /** A caller has asked for it to last until then; `late` is for how long the request may be on its way, in milliseconds. */
  noteExtension(until: number, late: number): void {
    this.extendedUntil = Math.max(this.extendedUntil, until);
    this.mayLastUntil = Math.max(this.mayLastUntil, until + late);
  }

  /** The store has granted it to its owner once more. Answers may overtake each other: the greatest token is the newest. */
  regrant(token: number, attemptId: string): void {
    const isNewest = token >= this.token;
    if (this.attemptId !== attemptId) (this.earlier ??= []).push(isNewest ? this.attemptId : attemptId);
    if (!isNewest) return;
    this.attemptId = attemptId;
    this.token = token;
  }
}

/** The renewer's care for one grant; it goes with the lease when that is handed on. */
export interface Watch extends ListElement<Watch> {
  grant: Grant;
  /** When the store is to be asked next, on the lease clock. */
  nextCheck: number;
  asking: boolean;
}

/** What one acquire was given: all of its keys. Several locks may share it (reentrancy); the last of them releases it. */
export class Grant {
  /** Leases that are held, and those that are no longer trusted but may still stand in the store. Kept by the LeaseTable. */
  leases: Lease[] = [];
  leftovers?: readonly Lease[] | undefined;

  /** Milliseconds for which the store is to keep the keys after the release. */
  minHold = 0;

  /** Until when its leases are renewed, on the local clock. */
  private renewUntil: number;

  /** Whether the store was asked to renew it, and has not confirmed that yet. Kept by the Renewer, as is its watch. */
  unconfirmed = false;
  watch?: Watch | undefined;

  /** Tells those who observe it, if there are any. */
  trace?: HoldTrace;

  /** Whether a caller has it. Kept by the LockEngine. */
  isDelivered = false;

  /** How it ended before its release, if it did. Kept by the LeaseTable. */
  lostBy?: LossReason | 'released';

  /** How many locks share it. */
  private locks = 1;
  private ended = false;
  private lossReason?: LockLostError;
  private abort?: ContextAbort;
  private onCertain?: (() => void)[];

  constructor(
    readonly keys: readonly string[],
    readonly ownerId: string,
    /** One per key. */
    readonly tokens: number[],
    readonly options: CallOptions,
    private readonly clock: LeaseClock,
  ) {
    this.renewUntil = options.renew && options.ttl !== null ? Infinity : 0;
  }

  /** Whether its leases are renewed, at `now` or at all. */
  isRenewed(now = 0): boolean {
    return now < this.renewUntil;
  }

  setRenewal(time: number): void {
    this.renewUntil = time;
  }

  /** Why it can't be trusted any more, if so. */
  get loss(): LockLostError | undefined {
    return this.lossReason;
  }

  /** Whether it was released while it was held. */
  get isClosed(): boolean {
    return this.ended;
  }

  get hasLocks(): boolean {
    return this.locks > 0;
  }

  get isJoined(): boolean {
    return this.locks > 1;
  }

  join(): void {
    this.locks += 1;
  }

  /** A lock of it is released. Returns how many are left. */
  leave(): number {
    this.locks -= 1;
    return this.locks;
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

  /** Whether it is not held for now, and the store has been asked whether it is. Read `held` first: that reads the clock. */
  get doubted(): boolean {
    if (this.ended || this.lossReason || !this.leases.some(({ isInDoubt }) => isInDoubt)) return false;
    const now = this.clock.now();
    return this.deadline <= now && now < this.end;
  }

  /** By when the store has let it expire; unknown for a named owner, who may have acquired the keys elsewhere too. */
  get latestEnd(): number {
    return this.options.ownerId !== undefined ? Infinity : this.clock.now() + (this.options.ttl ?? Infinity);
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
    if (this.leases.length > 0 && this.clock.now() >= this.end) this.expire();
    if (this.lossReason && !this.abort.signal.aborted) this.abort.abort(this.lossReason);
    return this.abort.signal;
  }

  /** Its time is over. */
  expire(): void {
    this.lose(ranOut(this.keys, this.endedBy));
  }

  lose(message: string): void {
    if (this.lossReason || this.ended) return;
    this.lossReason = new LockLostError(this.keys, message);
    this.abort?.abort(this.lossReason);
    this.settle();
  }

  /** From now on it is neither held nor can it be lost. */
  close(): void {
    this.ended = true;
    this.trace?.end('released');
    this.settle();
  }

  /** Resolves once it is certain whether it is held: at once, or when the store has answered. */
  async certainty(): Promise<void> {
    if (this.doubted) await new Promise<void>((resolve) => (this.onCertain ??= []).push(resolve));
  }

  /** Why its leases were not renewed in time. */
  private get endedBy(): LeaseEnd {
    const { renew, ttl, maxHold } = this.options;
    if (!renew) return { by: 'expire', ms: ttl ?? 0 };
    if (maxHold !== Infinity && !this.isRenewed(this.clock.now())) return { by: 'maxHold', ms: maxHold };
    return { by: this.unconfirmed ? 'store' : 'stall', ms: ttl ?? 0 };
  }

  /** Tells the callers of {@link certainty}, if it is certain now. */
  settle(): void {
    if (!this.onCertain || this.doubted) return;
    const waiting = this.onCertain;
    this.onCertain = undefined;
    for (const resolve of waiting) resolve();
  }
}
