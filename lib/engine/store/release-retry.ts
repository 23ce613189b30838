import type { LockBackendError } from '../../errors/index.js';
import type { EndRequest, ReleaseOutcome } from '../../provider-api/index.js';
import { Alarm } from '../runtime/alarm.js';
import type { Clock } from '../runtime/clock.js';
import type { StoreCalls } from './store-calls.js';

/** Half of what a waiter is promised once the store can be reached again: the repetition takes its time, too. */
const RETRY_INTERVAL = 500;

/** How many are repeated to find out whether the store can be reached again; the others follow once one is answered. */
const PROBES = 200;

/** A release of a lease that never expires is tried for this long, in milliseconds. */
const LONGEST_RETRY = 600_000;

/** A release that the store has not confirmed. */
interface Unconfirmed {
  /** When the lease has expired by itself, on the local clock. */
  readonly until: number;
  /** Sent and not answered yet, also if the caller has stopped waiting for the answer. */
  isUnderWay: boolean;
}

/**
 * Releases that must not be forgotten: of attempts that were cancelled, and of locks whose release failed. Each is sent
 * until the store has answered, or until the lease has expired by itself; never while it is under way already, so that
 * a store that hangs has no more to do afterwards than there were locks and attempts.
 */
export class ReleaseRetry {
  private readonly pending = new Map<EndRequest, Unconfirmed>();
  private readonly alarm: Alarm;
  /** Some have been repeated, and none of those has been answered yet. */
  private isProbing = false;
  private closed = false;
  private lastFailure?: LockBackendError;
  private readonly onDone: (() => void)[] = [];

  constructor(
    private readonly calls: StoreCalls,
    private readonly clock: Clock,
    private readonly onFreed: (keys: readonly string[]) => void,
  ) {
    this.alarm = new Alarm(clock, this.probe, false);
  }

  /**
   * @param ttl - how long the lease can outlive this moment; `null` never expires
   * @param owed - the answer, if the request was sent and has taken too long
   */
  add(request: EndRequest, ttl: number | null, owed?: PromiseLike<readonly ReleaseOutcome[]>): void {
    if (this.closed) return;
    this.pending.set(request, { until: this.clock.now() + (ttl ?? LONGEST_RETRY), isUnderWay: owed !== undefined });
    if (owed) this.follow(request, owed);
    else this.send(request);
  }

  /** How many releases are not confirmed yet. */
  get size(): number {
    return this.pending.size;
  }

  /** Resolves when nothing is left to release. */
  async whenDone(): Promise<void> {
    while (this.pending.size > 0) await new Promise<void>((resolve) => this.onDone.push(resolve));
  }

  /**
   * Nothing is sent any more.
   *
   * @returns the keys whose release the store has not confirmed, and why, if the store has said so
   */
  close(): { readonly keys: readonly string[]; readonly cause: unknown } {
    this.closed = true;
    this.alarm.clear();
    const keys = new Set([...this.pending.keys()].flatMap((request) => request.keys));
    this.pending.clear();
    return { keys: [...keys], cause: this.lastFailure?.cause };
  }

  private readonly probe = (): void => {
    this.isProbing = true;
    this.sendAll(PROBES);
  };

  private sendAll(most = Infinity): void {
    let left = most;
    for (const [request, { isUnderWay }] of this.pending) {
      if (left <= 0) return;
      if (isUnderWay) continue;
      left -= 1;
      this.send(request);
    }
  }

  private send(request: EndRequest): void {
    const unconfirmed = this.pending.get(request);
    if (unconfirmed) unconfirmed.isUnderWay = true;
    this.calls.release(request, {
      answered: (outcomes) => {
        this.confirm(request, outcomes);
      },
      failed: (error, owed) => {
        this.lastFailure = error;
        if (owed) this.follow(request, owed);
        else this.again(request);
      },
    });
  }

  private follow(request: EndRequest, owed: PromiseLike<readonly ReleaseOutcome[]>): void {
    owed.then(
      (outcomes) => {
        this.confirm(request, outcomes);
      },
      () => {
        this.again(request);
      },
    );
  }

  private confirm(request: EndRequest, outcomes: readonly ReleaseOutcome[]): void {
    this.lastFailure = undefined;
    this.remove(request);
    if (outcomes.includes('freed')) this.onFreed(request.keys);
    if (!this.isProbing) return;
    this.isProbing = false;
    if (!this.closed) this.sendAll();
  }

  /** Behind the others: each comes to be a probe. */
  private again(request: EndRequest): void {
    const unconfirmed = this.pending.get(request);
    if (!unconfirmed) return;
    this.remove(request);
    const now = this.clock.now();
    if (unconfirmed.until <= now) return;
    this.pending.set(request, { until: unconfirmed.until, isUnderWay: false });
    this.alarm.set(now + RETRY_INTERVAL, now);
  }

  private remove(request: EndRequest): void {
    this.pending.delete(request);
    if (this.pending.size === 0) for (const resolve of this.onDone.splice(0)) resolve();
  }
}
