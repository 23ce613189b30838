import type { LeaseTable } from '../hold/lease-table.js';
import { RESERVED_KEY_PREFIX } from '../options/lock-keys.js';
import { AbortListeners } from '../runtime/abort-listeners.js';
import type { Clock } from '../runtime/clock.js';
import { STORE_ANSWER_TIMEOUT, type StoreCalls } from '../store/store-calls.js';
import { Deadlines } from './deadlines.js';
import { NestedWaits } from './nested-waits.js';
import type { QueueTable, Waiter } from './queue.js';
import { deadlockOf, queueFullFor, timeoutOf } from './refusals.js';

/** What ends a wait without the lock: its timeout, the signal of its caller, a full queue, a circle of waits. */
export class WaitLimits {
  private readonly deadlines: Deadlines;
  private readonly aborts = new AbortListeners();
  private readonly nested: NestedWaits;

  /** @param end - ends a wait with an error */
  constructor(
    private readonly queues: QueueTable,
    private readonly leases: LeaseTable,
    private readonly calls: StoreCalls,
    private readonly clock: Clock,
    private readonly end: (waiter: Waiter, error: unknown) => void,
  ) {
    this.nested = new NestedWaits(leases);
    this.deadlines = new Deadlines(clock, (waiter) => {
      this.timeOut(waiter);
    });
  }

  /** Notes whether more wait already than `waiter` accepts. Returns whether its wait has ended by that. */
  refuseCrowded(waiter: Waiter): boolean {
    const { options } = waiter;
    if (options.maxWaiters === Infinity || options.timeout === 0) return false;
    waiter.crowded = this.findCrowded(waiter);
    // A named owner may hold the keys already.
    if (waiter.crowded === undefined || options.ownerId !== undefined) return false;
    this.queueFull(waiter, waiter.crowded);
    return true;
  }

  /** The wait of `waiter`, which is in its queues, begins. */
  begin(waiter: Waiter): void {
    const { timeout, signal } = waiter.options;
    waiter.deadline = this.clock.now() + timeout;
    // Until the first answer, or the error that there is none, a longer wait cannot end.
    if (timeout > 0 && (timeout < STORE_ANSWER_TIMEOUT || !waiter.isFirst)) this.watch(waiter);
    if (signal) {
      waiter.stopListening = this.aborts.listen(signal, () => {
        this.end(waiter, signal.reason);
      });
    }
  }

  /** From now on its timeout ends the wait. */
  watch(waiter: Waiter): void {
    this.deadlines.add(waiter);
  }

  /** Ends a wait that would close a circle: a holder of its keys waits for the job around it. */
  refuseInCircle(waiter: Waiter): void {
    const { around, options, done } = waiter;
    // A call that is not reentrant may be meant to run after the job around it, which then does not wait for it.
    if (!around || !options.reentrant || options.timeout === 0 || done) return;
    const circle = this.nested.add(waiter);
    if (circle) this.end(waiter, deadlockOf(waiter, circle));
  }

  /** The wait is over. */
  leave(waiter: Waiter): void {
    if (waiter.around) this.nested.delete(waiter);
    this.deadlines.remove(waiter);
    waiter.stopListening?.();
  }

  /** Ends a wait that has lasted long enough. */
  timeOut(waiter: Waiter): void {
    this.end(waiter, timeoutOf(waiter, this.calls, this.leases));
  }

  /** Ends a wait that was not to begin. */
  queueFull(waiter: Waiter, key: string): void {
    this.end(waiter, queueFullFor(waiter, key));
  }

  /** The store has said that `waiter` waits behind another process. */
  noteAnswer(waiter: Waiter, inTheWay?: string): void {
    waiter.answered = true;
    waiter.inTheWay = inTheWay;
    waiter.failure = undefined;
    if (waiter.options.timeout > 0) this.watch(waiter);
  }

  /** The key for which more wait than `waiter` accepts. */
  private findCrowded({ keys, options: { maxWaiters } }: Waiter): string | undefined {
    const crowded = keys.find((key) => this.waitingFor(key) >= maxWaiters);
    if (crowded !== undefined || keys.length === 1) return crowded;
    return this.waitingFor(groupOf(keys)) >= maxWaiters ? keys[0] : undefined;
  }

  /** All but the first, as long as the store has not said that the key is held: it may be on its way to a free key. */
  private waitingFor(key: string): number {
    const { head, count = 0 } = this.queues.get(key) ?? {};
    if (!head) return 0;
    return head.waiter.answered || (this.leases.get(key)?.grants.length ?? 0) > 0 ? count : count - 1;
  }
}

/** Callers of the same several keys wait in a queue of their own, of which the first competes for the keys. */
export function groupOf(keys: readonly string[]): string {
  return RESERVED_KEY_PREFIX + JSON.stringify(keys);
}
