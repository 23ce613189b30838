import { Alarm } from '../runtime/alarm.js';
import type { Clock } from '../runtime/clock.js';
import type { LeaseClock } from '../runtime/lease-clock.js';
import { LinkedList } from '../runtime/linked-list.js';
import type { Grant, Watch } from './lease.js';
import type { LeaseExtender } from './lease-extender.js';
import type { LeaseTable } from './lease-table.js';

/** How soon a renewal that failed is tried again, in milliseconds. */
const RETRY_INTERVAL = 1000;

/** The same, of a lease in doubt. */
const DOUBT_RETRY_INTERVAL = 250;

/** How often the clock is read while there are leases, in milliseconds: no timer fires while a machine sleeps. */
const LOOK_INTERVAL = 1000;

/** Leases that are due within this part of their pace are renewed along, so that all come to be renewed in one pass. */
const ALONG = 1 / 6;

/**
 * Renews every lease of this process at a third of its length, asks at the same pace whether those still stand that are
 * not renewed, and ends the trust in each at its local deadline, whether or not the store has answered by then.
 */
export class Renewer {
  private readonly watches = new LinkedList<Watch>();
  private readonly alarm: Alarm;

  constructor(
    private readonly extender: LeaseExtender,
    private readonly time: Clock,
    private readonly clock: LeaseClock,
    private readonly leases: LeaseTable,
    private readonly defaultExpire: number,
    private readonly advance: (keys: readonly string[]) => void,
  ) {
    this.alarm = new Alarm(clock, this.goThrough, false, LOOK_INTERVAL);
    clock.onLeap = this.onLeap;
  }

  watch(grant: Grant): void {
    const now = this.clock.now();
    const nextCheck = now + this.firstPause(grant, now);
    grant.watch = { grant, nextCheck, asking: false };
    this.watches.add(grant.watch);
    this.alarm.set(Math.min(nextCheck, grant.end), now);
  }

  /** `next` holds what `previous` has held until now. */
  pass(previous: Grant, next: Grant): void {
    const { watch } = previous;
    if (!watch) {
      this.watch(next);
      return;
    }
    previous.watch = undefined;
    next.watch = watch;
    watch.grant = next;
    next.unconfirmed = watch.asking;
  }

  isWatched(grant: Grant): boolean {
    return grant.watch !== undefined;
  }

  unwatch(grant: Grant): void {
    if (!grant.watch) return;
    this.watches.remove(grant.watch);
    grant.watch = undefined;
    if (this.watches.size === 0) this.alarm.clear();
  }

  /** Asks after every lease now: the store may have lost some. */
  checkAll(): void {
    const now = this.clock.now();
    for (const watch of this.watches) watch.nextCheck = now;
    this.goThrough();
  }

  /** Nothing is renewed or asked after any more. */
  close(): void {
    for (const { grant } of [...this.watches]) this.unwatch(grant);
    this.alarm.clear();
  }

  /** Ends the trust in `grant` if its time is over. The alarm does so too, but may come late in a process that froze. */
  expireIfDue(grant: Grant): void {
    if (grant.leases.length === 0 || this.clock.now() < grant.end) return;
    this.unwatch(grant);
    this.leases.expire(grant);
    this.advance(grant.keys);
  }

  private pace({ options: { ttl } }: Grant): number {
    return Math.max(1, Math.floor((ttl ?? this.defaultExpire) / 3));
  }

  /**
   * A lease that came by message counts from the request before it. Of a short one most may be over, so its renewal must
   * not wait for a third of its length: the store would have no time left to answer.
   */
  private firstPause(grant: Grant, now: number): number {
    const pace = this.pace(grant);
    const left = grant.end - now;
    if (left >= 2 * pace || !grant.isRenewed(this.time.now())) return pace;
    return Math.max(1, Math.min(pace, Math.floor(left / 3)));
  }

  /** The clock has leapt from `before` to `after`: asks the store about the leases whose deadline lies in between. */
  private readonly onLeap = (before: number, after: number): void => {
    for (const lease of this.leases.all()) lease.leap(before, after);
    for (const watch of [...this.watches]) {
      if (!watch.grant.doubted) continue;
      this.check(watch);
      this.alarm.set(watch.grant.end, after);
    }
  };

  /** Expired leases come first, as they are not renewed; then those that are due for renewal, or soon will be. */
  private readonly goThrough = (): void => {
    for (const { grant } of [...this.watches]) this.expireIfDue(grant);
    const now = this.clock.now();
    const along = this.isAnyDue(now) ? ALONG : 0;
    let next = Infinity;
    for (const watch of [...this.watches]) {
      const { grant } = watch;
      if (grant.leases.length === 0) this.unwatch(grant);
      else if (!watch.asking && watch.nextCheck <= now + this.pace(grant) * along) this.check(watch);
    }
    for (const { grant, nextCheck, asking } of this.watches) {
      next = Math.min(next, grant.end, asking ? Infinity : nextCheck);
    }
    if (next !== Infinity) this.alarm.set(next, now);
  };

  private isAnyDue(now: number): boolean {
    for (const { nextCheck, asking } of this.watches) if (!asking && nextCheck <= now) return true;
    return false;
  }

  /** Until the store has answered the deadline stays armed. */
  private check(watch: Watch): void {
    const { leases } = watch.grant;
    const [first] = leases;
    if (!first) return;
    const sentAt = this.clock.now();
    watch.asking = true;
    watch.grant.unconfirmed = true;
    this.extender.extend(
      leases.map(({ key }) => key),
      first.ownerId,
      this.extensionFor(watch.grant),
      {
        answered: () => {
          watch.grant.unconfirmed = false;
          this.checked(watch, sentAt + this.pace(watch.grant));
        },
        failed: () => {
          const pause = watch.grant.doubted ? DOUBT_RETRY_INTERVAL : RETRY_INTERVAL;
          this.checked(watch, this.clock.now() + Math.min(pause, Math.ceil(this.pace(watch.grant) / 3)));
        },
      },
      true,
    );
  }

  /** Milliseconds, or `null` to ask only. A lease that is not renewed gets in doubt what it would have left otherwise. */
  private extensionFor(grant: Grant): number | null {
    if (grant.isRenewed(this.time.now())) return grant.options.ttl;
    const now = this.clock.now();
    let left = Infinity;
    for (const { deadline, leftInDoubt } of grant.leases) if (deadline <= now) left = Math.min(left, leftInDoubt);
    return left === Infinity ? null : Math.ceil(left);
  }

  private checked(watch: Watch, nextCheck: number): void {
    watch.asking = false;
    watch.nextCheck = nextCheck;
    if (watch.grant.watch === watch) this.alarm.set(nextCheck, this.clock.now());
  }
}
