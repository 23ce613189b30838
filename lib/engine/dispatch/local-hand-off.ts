import type { LeaseExtender } from '../hold/lease-extender.js';
import type { LeaseTable } from '../hold/lease-table.js';
import { Grant, type Lease } from '../hold/lease.js';
import type { Releaser } from '../hold/releaser.js';
import type { Renewer } from '../hold/renewer.js';
import { isSolo } from '../options/call-options.js';
import { ownerOf } from '../options/lock-names.js';
import type { Clock } from '../runtime/clock.js';
import type { LeaseClock } from '../runtime/lease-clock.js';
import type { KeyQueue, QueueTable, Waiter } from '../wait/queue.js';
import type { WaitLimits } from '../wait/wait-limits.js';

/** How many grants in a row a process makes of its lease while another process waits, unless the store says otherwise. */
export const COHORT_GRANTS = 32;

/** And for how long it goes on making them, in milliseconds. */
export const COHORT_TIME = 20;

/** What the hand-off asks of the dispatcher. */
export interface HandOffHost {
  finish(waiter: Waiter, grant: Grant): void;
  advance(queue: KeyQueue): void;
}

/** The part of a lease that has to be left for it to be handed on. */
const ENOUGH = 1 / 3;

/**
 * Hands a lease from holder to holder within this process, without a round trip: lock cohorting, after Dice, Marathe
 * and Shavit, "Lock Cohorting: A General Technique for Designing NUMA Locks" (PPoPP 2012). While another process waits
 * there is a budget, in grants and in time.
 */
export class LocalHandOff {
  constructor(
    private readonly host: HandOffHost,
    private readonly queues: QueueTable,
    private readonly leases: LeaseTable,
    private readonly releaser: Releaser,
    private readonly renewer: Renewer,
    private readonly extender: LeaseExtender,
    private readonly limits: WaitLimits,
    private readonly clock: Clock,
    private readonly leaseClock: LeaseClock,
    private readonly nextId: () => string,
    private readonly cohortGrants = COHORT_GRANTS,
  ) {}

  /** Another process waits for `lease`: the budget begins. */
  noteContended(lease: Lease, now = this.leaseClock.now()): void {
    if (lease.shared) lease.contention ??= { since: now, grantsLeft: this.cohortGrants };
  }

  /** Hands what `grant` has held until now to the next waiter here, without the store, if that may be. */
  tryHandOff(grant: Grant): boolean {
    const [lease] = grant.leases;
    if (!lease?.shared) return false;
    const queue = this.queues.get(lease.key);
    const next = queue?.head?.waiter;
    if (!queue || !next || isSolo(next.keys, next.options)) return false;
    const verdict = this.judge(lease, next);
    if (verdict === 'no') {
      queue.adaptTokenBlock(lease);
      if (lease.tokensLeft > 0) queue.isGivingWay = true;
      return false;
    }
    // The only grant of the lease, which stays for the next waiter.
    this.leases.untie(grant, lease);
    grant.close();
    if (verdict === 'now') this.host.finish(next, this.grant(lease, next, grant));
    else {
      this.renewer.unwatch(grant);
      this.renew(lease, queue);
    }
    return true;
  }

  /** Grants `lease`, which is idle, to the first waiter in `queue`, at once or after a renewal; whether that may be. */
  grantNext(lease: Lease, waiter: Waiter, queue: KeyQueue): boolean {
    const verdict = this.judge(lease, waiter);
    if (verdict === 'now') this.host.finish(waiter, this.grant(lease, waiter, undefined));
    else if (verdict === 'renewed') {
      if (waiter.options.timeout > 0) this.limits.watch(waiter);
      this.renew(lease, queue);
    }
    return verdict !== 'no';
  }

  /** Whether `waiter` may have `lease`, which is idle: at once, after a renewal, or not at all. */
  private judge(lease: Lease, { options }: Waiter): 'now' | 'renewed' | 'no' {
    const { ttl } = lease;
    if (ttl === null || lease.isReliedOn || options.ttl !== ttl) return 'no';
    if (lease.tokensLeft <= 0) return 'no';
    const now = this.leaseClock.now();
    const { contention, grantsMade } = lease;
    const isSpent = contention && (contention.grantsLeft <= 0 || now - contention.since >= COHORT_TIME);
    if (grantsMade > 0 && isSpent) return 'no';
    const isToBeKept = lease.keepUntil > 0 && lease.keepUntil > this.clock.now();
    // Extended beyond what this waiter asked for, a lease would block the key for longer after a crash.
    if (lease.deadline <= now || lease.extendedUntil > now + ttl || isToBeKept) return 'no';
    return lease.deadline - now >= ttl * ENOUGH ? 'now' : 'renewed';
  }

  /** The next grant of `lease`. The care for it passes from `previous`, which has ended. */
  private grant(lease: Lease, waiter: Waiter, previous: Grant | undefined): Grant {
    // An owner of its own for each grant, so that no holder can release another's by its name.
    const ownerId = lease.grantsMade > 0 ? ownerOf(this.nextId(), waiter.options.label) : lease.ownerId;
    lease.countGrant();
    const grant = new Grant(waiter.keys, ownerId, [lease.token], waiter.options, this.leaseClock);
    this.leases.tie(grant, lease);
    if (previous) this.renewer.pass(previous, grant);
    else this.renewer.watch(grant);
    return grant;
  }

  /** Gives `lease`, which is idle, the time that its next holder needs. A lost one leaves the table. */
  private renew(lease: Lease, queue: KeyQueue): void {
    lease.renewing = true;
    const done = (isConfirmed: boolean): void => {
      lease.renewing = false;
      if (this.leases.get(lease.key) !== lease) return;
      if (!isConfirmed) this.releaser.releaseIdle(lease);
      this.host.advance(queue);
    };
    this.extender.extend([lease.key], lease.ownerId, lease.ttl, {
      answered: () => {
        done(true);
      },
      failed: () => {
        done(false);
      },
    });
  }
}
