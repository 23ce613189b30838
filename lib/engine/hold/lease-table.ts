import type { LossReason } from '../../diagnostics/messages.interface.js';
import { takenAway, takenOver } from '../engine.messages.js';
import type { Grant } from './lease.js';
import { Lease, type LeaseSource } from './lease.js';
import { KeyMap } from '../runtime/key-map.js';

/** A key that the store has granted. */
export interface GrantedKey {
  readonly token: number;
  readonly attemptId: string;
  readonly deadline: number;
  /** Whether the owner held it already. */
  readonly reentered: boolean;
  readonly source: LeaseSource | undefined;
}

/** Everything this process holds on one store: at most one lease per key. Grants and leases are tied and untied here. */
export class LeaseTable {
  private readonly leases = new KeyMap<Lease>();

  /**
   * @param onDropped - the process has no lease of the key any more
   * @param onLost - a grant has ended before its release; `released`: its key was released by name
   */
  constructor(
    private readonly onDropped: (lease: Lease) => void,
    private readonly onLost: (grant: Grant, reason: LossReason | 'released') => void = () => undefined,
  ) {}

  get(key: string): Lease | undefined {
    return this.leases.get(key);
  }

  /** What `ownerId` has of `key` here. */
  of(key: string, ownerId: string): Lease | undefined {
    const lease = this.leases.get(key);
    return lease?.ownerId === ownerId ? lease : undefined;
  }

  /** Whether a holder in this process is in the way of `ownerId`. */
  isInTheWay(key: string, ownerId: string): boolean {
    const lease = this.leases.get(key);
    return lease !== undefined && lease.ownerId !== ownerId && !lease.isIdle;
  }

  all(): Lease[] {
    return this.leases.values();
  }

  get isEmpty(): boolean {
    return this.leases.size === 0;
  }

  /** Ties `grant` to a lease of its owner. A holder of this process that the store has passed over learns of it now. */
  grant(grant: Grant, key: string, { token, attemptId, deadline, reentered, source }: GrantedKey): void {
    const { ownerId, options } = grant;
    const present = this.leases.get(key);
    if (present && present.ownerId !== ownerId) this.revoke(present, takenOver([key]), 'taken-over');
    // The store found it free: what this process had of it was gone, and its deadline with it.
    else if (present && !reentered && token > present.token) this.revoke(present, takenAway([key]), 'gone');
    let lease = this.leases.get(key);
    if (lease) {
      lease.regrant(token, attemptId);
      lease.extendTo(deadline);
    } else {
      lease = new Lease(key, ownerId, attemptId, token, 0, options.ttl, deadline, false);
      this.leases.set(key, lease);
    }
    if (source) lease.source = source;
    tie(grant, lease);
    grant.tokens[grant.keys.indexOf(key)] = token;
  }

  /** Adds a lease to be handed from holder to holder, without a grant. */
  add(lease: Lease, source: LeaseSource | undefined): void {
    const present = this.leases.get(lease.key);
    if (present) this.revoke(present, takenOver([lease.key]), 'taken-over');
    this.leases.set(lease.key, lease);
    if (source) lease.source = source;
  }

  /** Adds a grant to an idle lease. */
  tie(grant: Grant, lease: Lease): void {
    tie(grant, lease);
  }

  /** The only grant of `lease` ends; the lease stays, for the next one. */
  untie(grant: Grant, lease: Lease): void {
    lease.grants = [];
    grant.leases = [];
  }

  /** The key is gone from the store: no grant covers it any more. */
  revoke(lease: Lease, message: string, reason: LossReason): void {
    const { grants } = lease;
    for (const grant of grants) {
      remove(grant.leases, lease);
      grant.lose(message);
    }
    lease.grants = [];
    this.drop(lease);
    lease.source?.settle();
    this.tellLost(grants, reason);
  }

  /** Its release has found that the store did not have it any more. */
  noteGone(grant: Grant): void {
    if (grant.lostBy !== undefined) return;
    grant.lostBy = 'gone';
    this.onLost(grant, 'gone');
  }

  /** Released by key: no grant trusts it any more, but until the store has confirmed that, their locks still release it. */
  detach(lease: Lease, message: string, reason: LossReason | 'released'): void {
    for (const grant of lease.grants) {
      remove(grant.leases, lease);
      grant.leftovers = [...(grant.leftovers ?? []), lease];
      grant.lose(message);
    }
    this.drop(lease);
    this.tellLost(lease.grants, reason);
  }

  /** The store has confirmed what was detached. */
  forget(lease: Lease): void {
    for (const grant of lease.grants) grant.leftovers = grant.leftovers?.filter((leftover) => leftover !== lease);
  }

  /** Time ran out: the store may or may not have the keys of `grant`. */
  expire(grant: Grant): void {
    grant.leftovers = [...(grant.leftovers ?? []), ...this.leave(grant, grant.leases)];
    grant.expire();
    this.tellLost([grant], 'expired');
  }

  /** Ends `grant`. Returns what no other grant covers, and so is to be released in the store. */
  end(grant: Grant): Lease[] {
    const last = this.leave(grant, grant.leases);
    if (!grant.leftovers) return last;
    const all = [...grant.leftovers, ...last];
    grant.leftovers = undefined;
    return all;
  }

  /** Ends the part of `grant` that covers `keys`. Returns what no other grant covers. */
  endPart(grant: Grant, keys: readonly string[]): Lease[] {
    return this.leave(
      grant,
      grant.leases.filter(({ key }) => keys.includes(key)),
    );
  }

  /** Takes a lease without grants out of the table. */
  drop(lease: Lease): void {
    if (this.leases.get(lease.key) !== lease) return;
    this.leases.delete(lease.key);
    this.onDropped(lease);
  }

  /** Each grant once, whichever of its leases was the first to end. */
  private tellLost(grants: readonly Grant[], reason: LossReason | 'released'): void {
    for (const grant of grants) {
      if (grant.lostBy !== undefined || grant.isClosed) continue;
      grant.lostBy = reason;
      this.onLost(grant, reason);
    }
  }

  private leave(grant: Grant, leases: readonly Lease[]): Lease[] {
    grant.leases = leases === grant.leases ? [] : grant.leases.filter((lease) => !leases.includes(lease));
    const last: Lease[] = [];
    for (const lease of leases) {
      remove(lease.grants, grant);
      if (lease.grants.length > 0) continue;
      this.drop(lease);
      last.push(lease);
    }
    return last;
  }
}

/** Most have one of each: an array that is pushed to would have room for seventeen. */
function tie(grant: Grant, lease: Lease): void {
  if (lease.grants.length === 0) lease.grants = [grant];
  else lease.grants.push(grant);
  if (grant.leases.length === 0) grant.leases = [lease];
  else grant.leases.push(lease);
}

function remove<T>(from: T[], one: T): void {
  const index = from.indexOf(one);
  if (index >= 0) from.splice(index, 1);
}
