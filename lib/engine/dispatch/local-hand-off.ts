import { canShare } from '../options/call-options.js';
import { localDeadline } from '../runtime/drift.js';
import type { EngineParts } from '../engine-parts.js';
import { Grant } from '../hold/grant.js';
import type { Lease } from '../hold/lease.js';
import type { Queue } from '../wait/queue.js';
import type { Waiter } from '../wait/waiter.js';

/** How many grants in a row a process makes of its lease while another process waits for the key. */
export const COHORT_GRANTS = 32;

/** And for how long it goes on making them, in milliseconds. */
export const COHORT_TIME = 20;

/** The part of a lease that has to be left for it to be handed on. */
const ENOUGH = 1 / 3;

/**
 * Hands a lease from holder to holder within this process, without a round trip: lock cohorting, after Dice, Marathe
 * and Shavit, "Lock Cohorting: A General Technique for Designing NUMA Locks" (PPoPP 2012). While another process waits
 * there is a budget, in grants and in time.
 */
export class LocalHandOff {
  constructor(private readonly parts: EngineParts) {}

  /** Another process stands in line for `lease`. */
  noteWanted(lease: Lease): void {
    if (!lease.shared || lease.wantedSince !== Infinity) return;
    lease.wantedSince = this.parts.leaseClock.now();
    lease.turnsLeft = COHORT_GRANTS;
  }

  /** Somebody joined the line whose first is about to ask the store: a token each. */
  noteCompany({ seek, tokenBlock }: Queue): void {
    if (seek?.waiter === undefined && seek?.asked === 1 && this.parts.calls.isUnsent(seek.request, seek.place)) {
      seek.request.tokens = tokenBlock;
    }
  }

  /** Whether `waiter` may have `lease`, which nobody holds now: at once, after a renewal, or not at all. */
  judge(lease: Lease, { keys, options }: Waiter): 'now' | 'renewed' | 'no' {
    const { ttl } = lease;
    if (ttl === null || keys.length > 1 || options.ttl !== ttl || !canShare(options)) return 'no';
    if (lease.token >= lease.lastToken) return 'no';
    const { clock, leaseClock } = this.parts;
    const now = leaseClock.now();
    if (lease.used && (lease.turnsLeft <= 0 || now - lease.wantedSince >= COHORT_TIME)) return 'no';
    const isToBeKept = lease.keepUntil > 0 && lease.keepUntil > clock.now();
    if (lease.deadline <= now || lease.extendedUntil > now + ttl || isToBeKept) return 'no';
    return lease.deadline - now >= ttl * ENOUGH ? 'now' : 'renewed';
  }

  /** The next grant of `lease`; whoever had the one before passes on the care for it. */
  grant(lease: Lease, waiter: Waiter, previous: Grant | undefined): Grant {
    const { leaseClock, keeper, nextId } = this.parts;
    // An owner of its own for each grant, so that nobody can release another's by its name.
    const ownerId = lease.used ? nextId() : lease.ownerId;
    lease.used = true;
    lease.turnsLeft -= 1;
    lease.token += 1;
    const grant = new Grant(waiter.keys, ownerId, [lease.token], waiter.options, leaseClock);
    grant.leases.push(lease);
    lease.grants.push(grant);
    if (previous) keeper.pass(previous, grant);
    else keeper.watch(grant);
    return grant;
  }

  /** Gives `lease`, which nobody holds, the time that its next holder needs. */
  renew(lease: Lease): void {
    const { calls, leaseClock, keeper, leases, look } = this.parts;
    const { key, ownerId, attemptId, ttl } = lease;
    const sentAt = leaseClock.now();
    lease.renewing = true;
    calls.extend(
      { keys: [key], ownerId, attemptId, ttl, leases: keeper.askedAfter([key], ownerId) },
      {
        answered: ([held]) => {
          lease.renewing = false;
          if (leases.get(key) !== lease) return;
          if (held) lease.deadline = Math.max(lease.deadline, localDeadline(sentAt, ttl));
          else leases.drop(lease);
          look([key]);
        },
        failed: () => {
          lease.renewing = false;
          if (leases.get(key) !== lease) return;
          this.parts.releases.giveBack(lease).catch(() => undefined);
          look([key]);
        },
      },
    );
  }
}
