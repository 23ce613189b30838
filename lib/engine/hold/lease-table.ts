import { takenAway, takenOver } from '../engine.messages.js';
import type { Grant } from './grant.js';
import { Lease } from './lease.js';
import type { QueueTable } from '../wait/queue-table.js';
import type { AcquireAttempt } from '../acquire/acquire-attempt.js';

/** A key that the store has granted. */
export interface GrantedKey {
  readonly token: number;
  readonly attemptId: string;
  readonly deadline: number;
  /** Whether the owner held it already. */
  readonly reentered: boolean;
  /** What it was found by. */
  readonly seek: AcquireAttempt;
}

/** Everything this process holds on one store, by key: at most one lease in each line. */
export class LeaseTable {
  constructor(
    private readonly lines: QueueTable,
    private readonly onForfeit: (lease: Lease) => void,
  ) {}

  get(key: string): Lease | undefined {
    return this.lines.lease(key);
  }

  all(): Lease[] {
    return this.lines.leases();
  }

  /** Notes what the store has granted. A holder of this process that the store has passed over learns of it now. */
  grant(grant: Grant, key: string, { token, attemptId, deadline, reentered, seek }: GrantedKey): void {
    const { ownerId, options } = grant;
    const line = this.lines.open(key);
    const present = line.lease;
    if (present && present.ownerId !== ownerId) this.forfeit(present, takenOver([key]));
    // The store found it free: what this process had of it was gone, and its deadline with it.
    else if (present && !reentered && token > present.token) this.forfeit(present, takenAway([key]));
    // Forfeiting may have closed the line.
    const lease = (this.lines.open(key).lease ??= new Lease(
      key,
      ownerId,
      attemptId,
      token,
      token,
      options.ttl,
      deadline,
      false,
    ));
    // Answers may overtake each other: what counts is which grant the store made last.
    const isNewest = token >= lease.token;
    if (lease.attemptId !== attemptId) (lease.earlier ??= []).push(isNewest ? lease.attemptId : attemptId);
    if (isNewest) {
      lease.attemptId = attemptId;
      lease.token = token;
    }
    lease.deadline = Math.max(lease.deadline, deadline);
    if (seek.unsettled) lease.seek = seek;
    lease.grants.push(grant);
    grant.leases.push(lease);
    grant.tokens[grant.keys.indexOf(key)] = token;
  }

  /** A lease to be handed from holder to holder; nobody has it yet. */
  place(lease: Lease): void {
    const line = this.lines.open(lease.key);
    if (line.lease) this.forfeit(line.lease, takenOver([lease.key]));
    line.lease = lease;
  }

  /** The key is gone from the store: no grant covers it any more. */
  forfeit(lease: Lease, message: string): void {
    for (const grant of lease.grants) {
      grant.leases = grant.leases.filter((other) => other !== lease);
      grant.lose(message);
    }
    lease.grants.length = 0;
    this.drop(lease);
    this.onForfeit(lease);
  }

  /** Given up by key: no grant trusts it any more, but until the store has said so their handles still release it. */
  abandon(lease: Lease, message: string): void {
    for (const grant of lease.grants) {
      grant.leases = grant.leases.filter((other) => other !== lease);
      grant.leftovers.push(lease);
      grant.lose(message);
    }
    this.drop(lease);
  }

  /** Nobody can say any more whether the store still has the keys of `grant`. */
  distrust(grant: Grant, message: string): void {
    grant.leftovers.push(...this.leave(grant));
    grant.lose(message);
  }

  /** Takes `grant` out of the table. Returns what no other grant covers, and so is to be released in the store. */
  withdraw(grant: Grant): Lease[] {
    const last = this.leave(grant);
    if (grant.leftovers.length > 0) last.unshift(...grant.leftovers.splice(0));
    return last;
  }

  /** Takes a lease that nobody has a grant of out of the table. */
  drop(lease: Lease): void {
    const line = this.lines.get(lease.key);
    if (line?.lease !== lease) return;
    line.lease = undefined;
    this.lines.tidy(line);
  }

  private leave(grant: Grant): Lease[] {
    const last: Lease[] = [];
    for (const lease of grant.leases) {
      const place = lease.grants.indexOf(grant);
      if (place >= 0) lease.grants.splice(place, 1);
      if (lease.grants.length > 0) continue;
      this.drop(lease);
      last.push(lease);
    }
    grant.leases = [];
    return last;
  }
}
