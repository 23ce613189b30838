import type { Lease } from '../hold/lease.js';
import { Queue } from './queue.js';
import type { Waiter } from './waiter.js';

/** The lines of all keys that somebody in this process holds or waits for; a key of no concern has none. */
export class QueueTable {
  private readonly lines = new Map<string, Queue>();

  get(key: string): Queue | undefined {
    return this.lines.get(key);
  }

  /** The line of `key`; a new one is to be given something at once, or dropped. */
  open(key: string): Queue {
    let line = this.lines.get(key);
    if (!line) {
      line = new Queue(key);
      this.lines.set(key, line);
    }
    return line;
  }

  /** Forgets a line that nobody has anything to do with. */
  tidy(line: Queue): void {
    if (line.deserted && this.lines.get(line.key) === line) this.lines.delete(line.key);
  }

  lease(key: string): Lease | undefined {
    return this.lines.get(key)?.lease;
  }

  /** How many wait for `key` here. */
  waiting(key: string): number {
    const line = this.lines.get(key);
    return line ? line.count + line.aside : 0;
  }

  leases(): Lease[] {
    const leases: Lease[] = [];
    for (const { lease } of this.lines.values()) if (lease) leases.push(lease);
    return leases;
  }

  waiters(): Set<Waiter> {
    const waiters = new Set<Waiter>();
    for (const line of this.lines.values()) {
      for (let place = line.head; place; place = place.next) waiters.add(place.waiter);
    }
    return waiters;
  }
}
