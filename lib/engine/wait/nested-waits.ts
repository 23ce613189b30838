import type { Grant } from '../hold/lease.js';
import type { LeaseTable } from '../hold/lease-table.js';

import type { Waiter } from './queue.js';

/**
 * Waiters whose call was made inside a job that holds a lock. Where two such jobs wait for each other's lock, neither
 * can go on: the call that closes the circle is refused. Holders in other processes are not known here.
 */
export class NestedWaits {
  /** Those inside each grant's job: a job may make thousands of calls at a time. */
  private readonly inside = new Map<Grant, Set<Waiter>>();

  constructor(private readonly leases: LeaseTable) {}

  /** Returns the keys that `waiter` holds and that, in a circle, it would wait for itself; then it is not noted. */
  add(waiter: Waiter): readonly string[] | undefined {
    const circle = this.findCircle(waiter);
    if (circle) return circle;
    for (const grant of waiter.around ?? []) {
      const waiters = this.inside.get(grant);
      if (waiters) waiters.add(waiter);
      else this.inside.set(grant, new Set([waiter]));
    }
    return undefined;
  }

  delete(waiter: Waiter): void {
    for (const grant of waiter.around ?? []) {
      const waiters = this.inside.get(grant);
      if (waiters?.delete(waiter) && waiters.size === 0) this.inside.delete(grant);
    }
  }

  private findCircle(waiter: Waiter): readonly string[] | undefined {
    if (this.inside.size === 0) return undefined;
    const seen = new Set<Waiter>([waiter]);
    const next: Waiter[] = [];
    this.addInTheWay(waiter, seen, next);
    for (let one = next.pop(); one; one = next.pop()) {
      const { keys } = one;
      const grants = this.holders(one).filter((grant) => waiter.around?.includes(grant));
      if (grants.length > 0) return grants.flatMap((grant) => grant.keys.filter((key) => keys.includes(key)));
      this.addInTheWay(one, seen, next);
    }
    return undefined;
  }

  /** Adds to `next` the nested waiters without whose end the keys of `waiter` are not released, each only once. */
  private addInTheWay(waiter: Waiter, seen: Set<Waiter>, next: Waiter[]): void {
    for (const grant of this.holders(waiter)) {
      for (const other of this.inside.get(grant) ?? []) {
        if (seen.has(other)) continue;
        seen.add(other);
        next.push(other);
      }
    }
  }

  private holders({ keys, options: { ownerId } }: Waiter): Grant[] {
    const holders: Grant[] = [];
    for (const key of keys) {
      for (const grant of this.leases.get(key)?.grants ?? []) {
        if (grant.held && (ownerId === undefined || grant.ownerId !== ownerId)) holders.push(grant);
      }
    }
    return holders;
  }
}
