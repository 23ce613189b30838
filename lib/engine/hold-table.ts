import type { Hold, Lease } from './lease.js';
import { takenAway, takenOver } from './engine.messages.js';

/** Everything this process holds on one store, by key. */
export class HoldTable {
  private readonly holds = new Map<string, Hold>();

  get(key: string): Hold | undefined {
    return this.holds.get(key);
  }

  all(): Iterable<Hold> {
    return this.holds.values();
  }

  /** Whether a holder of this process other than `ownerId` stands in the way of `keys`. */
  isHeldByOther(keys: readonly string[], ownerId: string): boolean {
    return keys.some((key) => {
      const hold = this.holds.get(key);
      return hold !== undefined && hold.ownerId !== ownerId;
    });
  }

  /** Notes what the store has granted. A holder of this process that the store has passed over learns of it now. */
  grant(lease: Lease, attemptId: string, deadline: number, found: ReadonlySet<string>): void {
    const { keys, ownerId } = lease.terms;
    for (const key of keys) {
      let hold = this.holds.get(key);
      if (hold && hold.ownerId !== ownerId) {
        this.forfeit(hold, takenOver([key]));
        hold = undefined;
      }
      const token = lease.terms.fencingTokens.get(key) ?? 0;
      if (hold && found.has(key) && token > hold.token) {
        // The store found it free: what this process had of it was gone, and its deadline with it.
        this.forfeit(hold, takenAway([key]));
        hold = undefined;
      }
      if (!hold) {
        hold = { key, ownerId, attemptId, token: 0, deadline, leases: new Set() };
        this.holds.set(key, hold);
      }
      // Answers may overtake each other: what counts is which grant the store made last.
      if (token >= hold.token) {
        hold.attemptId = attemptId;
        hold.token = token;
      }
      hold.deadline = Math.max(hold.deadline, deadline);
      hold.leases.add(lease);
      lease.holds.set(key, hold);
    }
  }

  /** The key is gone from the store: no lease covers it any more. */
  forfeit(hold: Hold, message: string): void {
    for (const lease of hold.leases) {
      lease.holds.delete(hold.key);
      lease.lose(message);
    }
    hold.leases.clear();
    this.drop(hold);
  }

  /** Given up by key: no lease trusts it any more, but until the store has said so their handles still release it. */
  abandon(hold: Hold, message: string): void {
    for (const lease of hold.leases) {
      lease.holds.delete(hold.key);
      lease.leftovers.push(hold);
      lease.lose(message);
    }
    this.drop(hold);
  }

  /** Nobody can say any more whether the store still has the keys of `lease`. */
  distrust(lease: Lease, message: string): void {
    for (const hold of lease.holds.values()) {
      hold.leases.delete(lease);
      if (hold.leases.size > 0) continue;
      this.drop(hold);
      lease.leftovers.push(hold);
    }
    lease.holds.clear();
    lease.lose(message);
  }

  /** Takes `lease` out of the table. Returns what no other lease covers, and so is to be released in the store. */
  withdraw(lease: Lease): Hold[] {
    const last: Hold[] = lease.leftovers.splice(0);
    for (const hold of lease.holds.values()) {
      hold.leases.delete(lease);
      if (hold.leases.size > 0) continue;
      this.drop(hold);
      last.push(hold);
    }
    lease.holds.clear();
    return last;
  }

  private drop(hold: Hold): void {
    if (this.holds.get(hold.key) === hold) this.holds.delete(hold.key);
  }
}
