import type { HeldLease } from '../../interfaces/index.js';
import type { Clock, ClockTimer } from '../runtime/clock.js';
import { localDeadline } from '../runtime/drift.js';
import { ranOut, takenAway } from '../engine.messages.js';
import type { Grant } from './grant.js';
import type { LeaseClock } from '../runtime/lease-clock.js';
import type { LeaseTable } from './lease-table.js';
import type { Lease } from './lease.js';
import type { StoreCalls } from '../store/store-calls.js';

/** How soon a renewal that failed is tried again, in milliseconds. */
const RETRY_INTERVAL = 1000;

/** In doubt, milliseconds until it is tried again, and until the lease counts as lost for want of an answer. */
const DOUBT_RETRY_INTERVAL = 250;
const LONGEST_DOUBT = 5000;

/** How often the clock is looked at while there are leases, in milliseconds: no timer fires while a machine sleeps. */
const LOOK_INTERVAL = 1000;

/** What is due within this part of its pace is asked along, so that all leases come to be renewed in one pass. */
const ALONG = 1 / 6;

/** The care for one grant; it goes with the lease when that is handed on. */
export interface Watch {
  grant: Grant;
  /** When the store is to be asked next, on the lease clock. */
  nextCheck: number;
  asking: boolean;
}

/** What this process had of a key, if anything, when the store was asked after it. */
type AskedAfter = (HeldLease & { readonly lease: Lease }) | undefined;

/**
 * Watches every lease of this process, in one pass for all: renews those that want it at a third of their length, asks
 * after the others at the same pace whether they still stand, and ends the trust in one at its local deadline, whether
 * or not the store has answered by then.
 */
export class Renewer {
  private readonly timers = new Set<Watch>();
  private timer?: ClockTimer;
  private due = Infinity;

  constructor(
    private readonly calls: StoreCalls,
    private readonly time: Clock,
    private readonly clock: LeaseClock,
    private readonly leases: LeaseTable,
    private readonly defaultExpire: number,
    private readonly onFreed: (keys: readonly string[]) => void,
    /** The store does not have a lease any more that it has granted. */
    private readonly onLost: (lease: Lease) => void,
  ) {
    clock.onLeap = (before, after) => {
      this.doubt(before, after);
    };
  }

  watch(grant: Grant): void {
    const now = this.clock.now();
    const watch = { grant, nextCheck: now + this.pace(grant), asking: false };
    grant.watch = watch;
    this.timers.add(watch);
    this.arm(Math.min(watch.nextCheck, grant.end), now);
  }

  /** `next` holds what `previous` has held until now. */
  pass(previous: Grant, next: Grant): void {
    const { watch } = previous;
    previous.watch = undefined;
    if (!watch || !this.timers.has(watch)) {
      this.watch(next);
      return;
    }
    watch.grant = next;
    next.watch = watch;
  }

  unwatch(grant: Grant): void {
    if (!grant.watch) return;
    this.timers.delete(grant.watch);
    grant.watch = undefined;
    if (this.timers.size === 0) this.disarm();
  }

  /** Asks after every lease now: the store may have lost some. */
  checkAll(): void {
    const now = this.clock.now();
    for (const watch of this.timers) watch.nextCheck = now;
    this.goThrough();
  }

  /** Nothing is renewed or asked after any more. */
  close(): void {
    for (const { grant } of this.timers) grant.watch = undefined;
    this.timers.clear();
    this.disarm();
  }

  /** Ends the trust in `grant` if its time is over. A timer does so too, but may come late in a process that froze. */
  expireIfDue(grant: Grant): void {
    if (grant.leases.length === 0 || this.clock.now() < grant.end) return;
    this.unwatch(grant);
    this.leases.distrust(grant, ranOut(grant.keys));
    this.onFreed(grant.keys);
  }

  /** What this process has of `keys` now, to tell later whether an answer is about that. */
  askedAfter(keys: readonly string[], ownerId: string): readonly AskedAfter[] {
    return keys.map((key) => {
      const lease = this.leases.get(key);
      if (lease?.ownerId !== ownerId) return undefined;
      const { attemptId, token, firstToken, lastToken, shared, deadline } = lease;
      return {
        lease,
        attemptId,
        fencingToken: shared ? firstToken : token,
        lastToken: Math.max(lastToken, token),
        remaining: deadline === Infinity ? null : deadline - this.clock.now(),
      };
    });
  }

  /** Takes in what the store said; `deadline` if it extended the keys as well. What was granted since is not meant. */
  noteAnswer(asked: readonly AskedAfter[], held: readonly boolean[], deadline: number | undefined): void {
    const lost: string[] = [];
    asked.forEach((one, index) => {
      if (!one) return;
      const { lease, attemptId } = one;
      if (this.leases.get(lease.key) !== lease || lease.attemptId !== attemptId) return;
      if (!held[index]) {
        lost.push(lease.key);
        this.leases.forfeit(lease, takenAway([lease.key]));
        this.onLost(lease);
      } else if (deadline !== undefined && held.every(Boolean)) {
        lease.deadline = Math.max(lease.deadline, deadline);
        if (lease.doubt && lease.deadline > this.clock.now()) lease.doubt = undefined;
        for (const grant of lease.grants) grant.settle();
      }
    });
    if (lost.length > 0) this.onFreed(lost);
  }

  private pace({ options: { ttl } }: Grant): number {
    return Math.max(1, Math.floor((ttl ?? this.defaultExpire) / 3));
  }

  private arm(due: number, now: number): void {
    if (due >= this.due) return;
    this.timer?.cancel();
    this.due = due;
    this.timer = this.clock.setTimer(this.onTimer, Math.min(due - now, LOOK_INTERVAL), false);
  }

  private readonly onTimer = (): void => {
    const { due } = this;
    this.due = Infinity;
    const now = this.clock.now();
    if (now >= due) this.goThrough();
    else this.arm(due, now);
  };

  /** The clock has leapt from `before` to `after`: asks the store about the leases whose deadline lies in between. */
  private doubt(before: number, after: number): void {
    for (const lease of this.leases.all()) {
      const { doubt, deadline } = lease;
      if (deadline > after) continue;
      if (deadline > before) {
        const left = deadline - before;
        lease.doubt = { left, until: after + Math.min(left, LONGEST_DOUBT) };
      } else if (doubt) doubt.until += after - before;
    }
    for (const watch of this.timers) {
      if (!watch.grant.doubted) continue;
      this.check(watch);
      this.arm(watch.grant.end, after);
    }
  }

  private disarm(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.due = Infinity;
  }

  /** First what has run out: nothing of that is renewed. Then what is due for renewal, or soon will be. */
  private goThrough(): void {
    for (const { grant } of this.timers) this.expireIfDue(grant);
    const now = this.clock.now();
    const along = this.isAnyDue(now) ? ALONG : 0;
    let next = Infinity;
    for (const watch of this.timers) {
      const { grant } = watch;
      if (grant.leases.length === 0) this.unwatch(grant);
      else if (!watch.asking && watch.nextCheck <= now + this.pace(grant) * along) this.check(watch);
    }
    for (const { grant, nextCheck, asking } of this.timers) {
      next = Math.min(next, grant.end, asking ? Infinity : nextCheck);
    }
    if (next !== Infinity) this.arm(next, now);
  }

  private isAnyDue(now: number): boolean {
    for (const { nextCheck, asking } of this.timers) if (!asking && nextCheck <= now) return true;
    return false;
  }

  /** Asks the store. Until it has answered the deadline stays armed; an error is neither held nor lost. */
  private check(watch: Watch): void {
    const { leases } = watch.grant;
    const sentAt = this.clock.now();
    const [first] = leases;
    if (!first) return;
    const { ownerId } = first;
    const keys = leases.map(({ key }) => key);
    const extension = this.extensionFor(watch.grant);
    const asked = this.askedAfter(keys, ownerId);
    watch.asking = true;
    const attemptId = keys.length === 1 ? first.attemptId : undefined;
    const answered = (held: readonly boolean[]): void => {
      this.noteAnswer(asked, held, extension === null ? undefined : localDeadline(sentAt, extension));
      this.checked(watch, sentAt + this.pace(watch.grant));
    };
    const failed = (): void => {
      const pause = watch.grant.doubted ? DOUBT_RETRY_INTERVAL : RETRY_INTERVAL;
      const again = Math.min(pause, Math.ceil(this.pace(watch.grant) / 3));
      this.checked(watch, this.clock.now() + again);
    };
    this.calls.extend(
      { keys, ownerId, ttl: extension, attemptId, leases: asked },
      {
        answered,
        failed: (_, owed) => {
          // It may still come. Asked again before, the store would only have more to do.
          if (owed) owed.then(answered, failed);
          else failed();
        },
      },
    );
  }

  /** Milliseconds, or `null` to ask only. A lease that is not renewed gets in doubt what it would have left otherwise. */
  private extensionFor({ leases, options, renew, renewUntil }: Grant): number | null {
    if (renew && this.time.now() < renewUntil) return options.ttl;
    const now = this.clock.now();
    const left = leases.flatMap(({ doubt, deadline }) => (doubt && deadline <= now ? [doubt.left] : []));
    return left.length > 0 ? Math.ceil(Math.min(...left)) : null;
  }

  private checked(watch: Watch, nextCheck: number): void {
    watch.asking = false;
    watch.nextCheck = nextCheck;
    if (this.timers.has(watch)) this.arm(nextCheck, this.clock.now());
  }
}
