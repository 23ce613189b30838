import type { Waiter } from './waiter.js';

/**
 * The waiters of this process, first come, first served. A waiter for several keys stands in the queue of each at
 * once; as nobody joins between two of its keys, the one who has waited longest is first everywhere, and two waiters
 * can never wait for each other.
 */
export class WaitQueue {
  private readonly queues = new Map<string, Set<Waiter>>();

  join(waiter: Waiter): void {
    for (const key of waiter.keys) {
      const queue = this.queues.get(key);
      if (queue) queue.add(waiter);
      else this.queues.set(key, new Set([waiter]));
    }
  }

  /** Takes `waiter` out and wakes whoever has come to the front by it. */
  leave(waiter: Waiter): void {
    for (const key of waiter.keys) {
      const queue = this.queues.get(key);
      if (!queue?.delete(waiter)) continue;
      if (queue.size === 0) this.queues.delete(key);
      else this.first(key)?.wake();
    }
  }

  /** Who has waited longest for `key`. */
  first(key: string): Waiter | undefined {
    return this.queues.get(key)?.values().next().value;
  }

  /** Whoever stands in front of `waiter`, if it is not first everywhere. */
  blocker(waiter: Waiter): Waiter | undefined {
    for (const key of waiter.keys) {
      const first = this.first(key);
      if (first !== waiter) return first;
    }
    return undefined;
  }

  /** Whether anybody waits for any of `keys`. */
  has(keys: readonly string[]): boolean {
    return keys.some((key) => this.queues.has(key));
  }

  /** How many wait for `key`. */
  count(key: string): number {
    return this.queues.get(key)?.size ?? 0;
  }

  /** Those keys may be free now: their first waiters look at once. */
  wake(keys: Iterable<string>): void {
    for (const key of keys) this.first(key)?.wake();
  }

  everyone(): Set<Waiter> {
    return new Set([...this.queues.values()].flatMap((queue) => [...queue]));
  }
}
