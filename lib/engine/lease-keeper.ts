import type { LockingProvider } from '../interfaces/index.js';
import type { Clock, ClockTimer } from './clock.js';
import { localDeadline } from './drift.js';
import { ranOut, takenAway } from './engine.messages.js';
import type { HoldTable } from './hold-table.js';
import type { Hold, Lease } from './lease.js';
import { first } from './release-retry.js';
import type { StoreCalls } from './store-calls.js';

/** How soon a renewal that failed is tried again, in milliseconds. */
const RETRY_INTERVAL = 1000;

/** What this process had of a key, if anything, when the store was asked after it. */
type AskedAfter = { readonly hold: Hold; readonly attemptId: string } | undefined;

/**
 * Watches every lease of this process: renews those that want it at a third of their length, asks after the others at
 * the same pace whether they still stand, and ends the trust in one at its local deadline, whether or not the store
 * has answered by then.
 */
export class LeaseKeeper {
  private readonly timers = new Map<Lease, ClockTimer>();

  constructor(
    private readonly provider: LockingProvider,
    private readonly calls: StoreCalls,
    private readonly clock: Clock,
    private readonly holds: HoldTable,
    private readonly defaultExpire: number,
    private readonly onFreed: (keys: readonly string[]) => void,
  ) {}

  watch(lease: Lease): void {
    this.schedule(lease, this.clock.now() + this.pace(lease));
  }

  unwatch(lease: Lease): void {
    this.timers.get(lease)?.cancel();
    this.timers.delete(lease);
  }

  /** Nothing is renewed or asked after any more. */
  close(): void {
    for (const lease of [...this.timers.keys()]) this.unwatch(lease);
  }

  /** Ends the trust in `lease` if its time is over. A timer does so too, but may come late in a process that froze. */
  expireIfDue(lease: Lease): void {
    if (lease.holds.size === 0 || this.clock.now() < lease.deadline) return;
    const { keys } = lease.terms;
    this.unwatch(lease);
    this.holds.distrust(lease, ranOut(keys));
    this.onFreed(keys);
  }

  private pace(lease: Lease): number {
    return Math.max(1, Math.floor((lease.terms.ttl ?? this.defaultExpire) / 3));
  }

  private schedule(lease: Lease, nextCheck: number): void {
    this.unwatch(lease);
    if (lease.holds.size === 0) return;
    const due = Math.min(nextCheck, lease.deadline);
    const timer = this.clock.setTimer(
      () => {
        this.expireIfDue(lease);
        if (lease.holds.size === 0) this.unwatch(lease);
        else if (this.clock.now() < nextCheck) this.schedule(lease, nextCheck);
        else void this.check(lease);
      },
      due - this.clock.now(),
      false,
    );
    this.timers.set(lease, timer);
  }

  /** Asks the store. Until it has answered the deadline stays armed; an error is neither held nor lost. */
  private async check(lease: Lease): Promise<void> {
    const sentAt = this.clock.now();
    const keys = [...lease.holds.keys()];
    const { ownerId, ttl, renew, renewUntil } = lease.terms;
    const extension = renew && sentAt < renewUntil ? ttl : null;
    const asked = this.askedAfter(keys, ownerId);
    this.schedule(lease, Infinity);
    let held: readonly boolean[];
    try {
      held = await this.calls.run('renew', keys, async () =>
        first(this.provider.extend([{ keys, ownerId, ttl: extension }])),
      );
    } catch {
      if (this.timers.has(lease))
        this.schedule(lease, this.clock.now() + Math.min(RETRY_INTERVAL, Math.ceil(this.pace(lease) / 3)));
      return;
    }
    this.noteAnswer(asked, held, extension === null ? undefined : localDeadline(sentAt, extension));
    if (this.timers.has(lease)) this.schedule(lease, sentAt + this.pace(lease));
  }

  /** What this process has of `keys` now, to tell later whether an answer is about that. */
  askedAfter(keys: readonly string[], ownerId: string): readonly AskedAfter[] {
    return keys.map((key) => {
      const hold = this.holds.get(key);
      return hold?.ownerId === ownerId ? { hold, attemptId: hold.attemptId } : undefined;
    });
  }

  /** Takes in what the store said; `deadline` if it extended the keys as well. What was granted since is not meant. */
  noteAnswer(asked: readonly AskedAfter[], held: readonly boolean[], deadline: number | undefined): void {
    const lost: string[] = [];
    asked.forEach((one, index) => {
      if (!one) return;
      const { hold, attemptId } = one;
      if (this.holds.get(hold.key) !== hold || hold.attemptId !== attemptId) return;
      if (!held[index]) {
        lost.push(hold.key);
        this.holds.forfeit(hold, takenAway([hold.key]));
      } else if (deadline !== undefined && held.every(Boolean)) {
        hold.deadline = Math.max(hold.deadline, deadline);
      }
    });
    if (lost.length > 0) this.onFreed(lost);
  }
}
