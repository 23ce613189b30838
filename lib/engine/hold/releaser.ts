import type { LockBackendError } from '../../errors/index.js';
import type { CancelRequest, EndRequest, ReleaseOutcome } from '../../provider-api/index.js';
import type { Clock } from '../runtime/clock.js';
import type { LeaseClock } from '../runtime/lease-clock.js';
import type { ReleaseRetry } from '../store/release-retry.js';
import type { StoreCalls } from '../store/store-calls.js';
import type { Grant } from './lease.js';
import type { LeaseTable } from './lease-table.js';
import type { Lease, LeaseSource } from './lease.js';
import type { Renewer } from './renewer.js';

const NO_SOURCES: readonly LeaseSource[] = [];

/** Releases leases with the last lock that stands on them. */
export class Releaser {
  /**
   * @param tryHandOff - hands what the grant has held to the next waiter here, if that may be
   * @param advance - the keys are free for the next waiter here
   */
  constructor(
    private readonly calls: StoreCalls,
    private readonly retry: ReleaseRetry,
    private readonly leases: LeaseTable,
    private readonly renewer: Renewer,
    private readonly clock: Clock,
    private readonly leaseClock: LeaseClock,
    private readonly processId: string,
    private readonly tryHandOff: (grant: Grant) => boolean,
    private readonly advance: (keys: readonly string[]) => void,
  ) {}

  /**
   * Ends one lock's share in `grant`; the last one releases the keys, or hands them on.
   *
   * @returns whether the lock was held until now; a promise where the store has to be asked, which rejects with a
   * LockBackendError if it cannot be: the release is then repeated in the background
   */
  leave(grant: Grant, minHold: number): boolean | Promise<boolean> {
    const wasHeld = grant.held;
    if (!wasHeld) {
      this.renewer.expireIfDue(grant);
      // The store has been asked whether it was held until now.
      if (grant.doubted) return this.leaveWhenCertain(grant, minHold);
    }
    grant.minHold = Math.max(grant.minHold, minHold);
    if (grant.leave() > 0) return wasHeld;
    if (wasHeld) {
      if (grant.minHold > 0) this.noteMinHold(grant);
      if (this.tryHandOff(grant)) return true;
    }
    return this.releaseGrant(grant, wasHeld);
  }

  private async leaveWhenCertain(grant: Grant, minHold: number): Promise<boolean> {
    await grant.certainty();
    return this.leave(grant, minHold);
  }

  /** The same, without waiting for the store. */
  leaveQuietly(grant: Grant): void {
    const left = this.leave(grant, 0);
    if (typeof left !== 'boolean') left.catch(() => undefined);
  }

  /** Ends a grant that no caller was told of. */
  cancel(grant: Grant): void {
    if (grant.leases[0]?.shared) {
      this.leaveQuietly(grant);
      return;
    }
    const last = this.end(grant, true);
    this.cancelAttempts(last, grant);
    for (const { key } of last) this.advance([key]);
  }

  /** Ends the part of `grant` that covers `keys`; no caller was told of them. */
  cancelKeys(grant: Grant, keys: readonly string[]): void {
    const last = this.leases.endPart(grant, keys);
    if (grant.leases.length === 0) this.renewer.unwatch(grant);
    this.cancelAttempts(last, grant);
  }

  /** Releases a lease without grants. */
  releaseIdle(lease: Lease): void {
    this.leases.drop(lease);
    const request = { keys: [lease.key], ownerId: lease.ownerId, attemptId: lease.attemptId };
    const nothing = (): void => undefined;
    this.send(request, [lease], undefined, nothing, nothing);
  }

  /** Ends everything that this process holds, for good: each release is repeated until it is answered. */
  releaseHeld(reason: (keys: readonly string[]) => string): void {
    const held = this.leases.all();
    for (const request of requestsFor(held, this.clock.now(), this.processId)) this.retry.add(request, null);
    for (const lease of held) this.leases.revoke(lease, reason([lease.key]), 'shutdown');
  }

  /** The usual case, one request, costs one promise. */
  // eslint-disable-next-line @typescript-eslint/promise-function-async
  private releaseGrant(grant: Grant, wasHeld: boolean): Promise<boolean> {
    const last = this.end(grant, wasHeld);
    const requests = requestsFor(last, wasHeld ? this.timeToKeep(last) : Infinity, this.processId);
    return new Promise((resolve, reject) => {
      let left = requests.length;
      let isHeld = wasHeld;
      const answered = (outcomes: readonly ReleaseOutcome[]): void => {
        if (outcomes.includes('gone')) isHeld = false;
        left -= 1;
        if (left > 0) return;
        if (wasHeld && !isHeld) this.leases.noteGone(grant);
        resolve(isHeld);
      };
      if (left === 0) resolve(isHeld);
      for (const request of requests) this.send(request, last, grant, answered, reject);
      for (const { key } of last) this.advance([key]);
    });
  }

  /** The time now, where a lease may have to be kept: each reading of the clock costs a release a part of its own time. */
  private timeToKeep(leases: readonly Lease[]): number {
    for (const { keepUntil } of leases) if (keepUntil > 0) return this.clock.now();
    return Infinity;
  }

  private end(grant: Grant, wasHeld: boolean): Lease[] {
    this.renewer.unwatch(grant);
    const last = this.leases.end(grant);
    if (wasHeld) grant.close();
    else grant.trace?.end('expired');
    return last;
  }

  /** Every release of a lease goes this way. One that fails is repeated until the lease has expired by itself. */
  private send(
    request: EndRequest,
    leases: readonly Lease[],
    grant: Grant | undefined,
    answered: (outcomes: readonly ReleaseOutcome[]) => void,
    failed: (error: LockBackendError) => void,
  ): void {
    const sources = sourcesOf(leases, request.keys);
    this.calls.release(request, {
      answered: (outcomes) => {
        for (const source of sources) source.released();
        answered(this.calls.recent.outcomesOf(request, outcomes));
      },
      failed: (error, owed) => {
        this.retry.add(request, this.lasts(leases, grant), owed);
        for (const source of sources) source.released();
        failed(error);
      },
    });
    for (const source of sources) source.releasing();
  }

  /**
   * Has the store forget `leases` of `grant`, each attempt for itself: a named owner may have acquired the keys in another
   * process as well, and any owner may have acquired them again by the time that a late request arrives.
   */
  private cancelAttempts(leases: readonly Lease[], grant: Grant): void {
    const lasts = this.lasts(leases, grant);
    for (const lease of leases) for (const request of cancelsOf(lease, this.processId)) this.retry.add(request, lasts);
    for (const source of sourcesOf(leases)) source.settle();
  }

  /** For how many milliseconds the store may still have `leases`; `null` for good. */
  private lasts(leases: readonly Lease[], grant: Grant | undefined): number | null {
    const until = Math.max(grant?.latestEnd ?? 0, ...leases.map((lease) => lease.latestEnd));
    return until === Infinity ? null : until - this.leaseClock.now();
  }

  /** On the lease, not on the grant: other grants may still cover it, and the last of them releases it. */
  private noteMinHold({ leases, minHold }: Grant): void {
    const until = this.clock.now() + minHold;
    for (const lease of leases) lease.keepUntil = Math.max(lease.keepUntil, until);
  }
}

/** The attempts that `leases` (on `keys`) come from, if a request of theirs may still reach the store; each once. */
export function sourcesOf(leases: readonly Lease[], keys?: readonly string[]): readonly LeaseSource[] {
  let sources: Set<LeaseSource> | undefined;
  for (const { source, key } of leases)
    if (source && keys?.includes(key) !== false) (sources ??= new Set()).add(source);
  return sources ? [...sources] : NO_SOURCES;
}

/** For how many milliseconds the store has to keep the key of `lease` when it is released at `now`. */
function keepFor({ keepUntil }: Lease, now: number): number | undefined {
  return keepUntil > now ? Math.ceil(keepUntil - now) : undefined;
}

/**
 * Whether a late request may acquire the key of `lease` again under the same attempt. In the store the attempt is the
 * owner's newest then, and a release would take along what the owner has been granted meanwhile.
 */
function mayComeAgain({ shared, source }: Lease): boolean {
  return !shared && source?.unsettled === true;
}

/** Each attempt of `lease` for itself. */
function cancelsOf({ key, ownerId, attemptId, earlier = [] }: Lease, processId: string): CancelRequest[] {
  return [...earlier, attemptId].map((attempt) => ({
    keys: [key],
    ownerId,
    attemptId: attempt,
    processId,
    pending: false,
  }));
}

/**
 * As few requests as will do: the leases of one owner may rest on different attempts, and a `minHold` may be for some of
 * them only. With `now` at `Infinity` no `minHold` counts.
 */
export function requestsFor(leases: readonly Lease[], now: number, processId: string): EndRequest[] {
  const requests: EndRequest[] = [];
  let groups: Map<string, string[]> | undefined;
  for (const lease of leases) {
    const kept = keepFor(lease, now);
    if (kept === undefined && mayComeAgain(lease)) {
      requests.push(...cancelsOf(lease, processId));
      continue;
    }
    const { key, ownerId, attemptId } = lease;
    const name = leases.length === 1 ? '' : `${String(kept)} ${attemptId}`;
    const group = groups?.get(name);
    if (group) {
      group.push(key);
      continue;
    }
    const keys = [key];
    requests.push({ keys, ownerId, attemptId, keepFor: kept });
    if (leases.length > 1) (groups ??= new Map<string, string[]>()).set(name, keys);
  }
  return requests;
}
