import type { Grant } from './grant.js';
import type { LineTable } from './line-table.js';
import type { Waiter } from './waiter.js';

/**
 * Waiters whose call was made inside a job that holds a lock. Where two such jobs wait for each other's lock, neither
 * can go on: the call that closes the circle is refused. Holders in other processes are not known here.
 */
export class NestedWaits {
  private readonly waiting = new Set<Waiter>();

  constructor(private readonly lines: LineTable) {}

  /** Returns the keys that `waiter` holds and that, in a circle, it would wait for itself; then it is not noted. */
  add(waiter: Waiter): readonly string[] | undefined {
    const circle = this.findCircle(waiter);
    if (!circle) this.waiting.add(waiter);
    return circle;
  }

  delete(waiter: Waiter): void {
    this.waiting.delete(waiter);
  }

  private findCircle(waiter: Waiter): readonly string[] | undefined {
    if (this.waiting.size === 0) return undefined;
    const seen = new Set<Waiter>();
    const next = this.inTheWayOf(waiter);
    for (let one = next.pop(); one; one = next.pop()) {
      if (seen.has(one)) continue;
      seen.add(one);
      const keys = this.holders(one).filter((grant) => waiter.around?.includes(grant));
      if (keys.length > 0) return keys.flatMap((grant) => grant.keys.filter((key) => one.keys.includes(key)));
      next.push(...this.inTheWayOf(one));
    }
    return undefined;
  }

  /** The nested waiters without whose end the keys of `waiter` are not released. */
  private inTheWayOf(waiter: Waiter): Waiter[] {
    const holders = this.holders(waiter);
    return [...this.waiting].filter(
      (other) => other !== waiter && other.around?.some((grant) => holders.includes(grant)),
    );
  }

  private holders({ keys, options: { ownerId } }: Waiter): Grant[] {
    const holders: Grant[] = [];
    for (const key of keys) {
      for (const grant of this.lines.lease(key)?.grants ?? []) {
        if (grant.held && (ownerId === undefined || grant.ownerId !== ownerId)) holders.push(grant);
      }
    }
    return holders;
  }
}
