import type { Clock, ClockTimer } from './clock.js';
import type { Waiter } from './waiter.js';

/** Waiters with the same timeout, in the order in which it ends. */
interface Bucket {
  first?: Waiter;
  last?: Waiter;
  timer?: ClockTimer;
}

/** Ends waits in time, with one timer for all that wait equally long. */
export class Deadlines {
  private readonly buckets = new Map<number, Bucket>();

  constructor(
    private readonly clock: Clock,
    private readonly onTimeout: (waiter: Waiter) => void,
  ) {}

  /** From now on `waiter` is ended when its `deadline` comes. */
  add(waiter: Waiter): void {
    if (waiter.isTimed) return;
    waiter.isTimed = true;
    const { timeout } = waiter.options;
    let bucket = this.buckets.get(timeout);
    if (!bucket) this.buckets.set(timeout, (bucket = {}));
    let before = bucket.last;
    while (before && before.deadline > waiter.deadline) before = before.earlier;
    waiter.earlier = before;
    waiter.later = before ? before.later : bucket.first;
    if (before) before.later = waiter;
    else bucket.first = waiter;
    if (waiter.later) waiter.later.earlier = waiter;
    else bucket.last = waiter;
    if (!bucket.timer || bucket.first === waiter) {
      bucket.timer?.cancel();
      this.arm(timeout, bucket, waiter.deadline - this.clock.now());
    }
  }

  remove(waiter: Waiter): void {
    if (!waiter.isTimed) return;
    waiter.isTimed = false;
    const { timeout } = waiter.options;
    const bucket = this.buckets.get(timeout);
    if (!bucket) return;
    if (waiter.earlier) waiter.earlier.later = waiter.later;
    else bucket.first = waiter.later;
    if (waiter.later) waiter.later.earlier = waiter.earlier;
    else bucket.last = waiter.earlier;
    waiter.earlier = waiter.later = undefined;
    if (bucket.first) return;
    bucket.timer?.cancel();
    this.buckets.delete(timeout);
  }

  private arm(timeout: number, bucket: Bucket, milliseconds: number): void {
    bucket.timer = this.clock.setTimer(
      () => {
        bucket.timer = undefined;
        this.end(timeout, bucket);
      },
      milliseconds,
      true,
    );
  }

  /** A timer may be early, or serve waiters that are gone: what counts is the clock. */
  private end(timeout: number, bucket: Bucket): void {
    const now = this.clock.now();
    while (bucket.first && bucket.first.deadline <= now) {
      const waiter = bucket.first;
      this.remove(waiter);
      this.onTimeout(waiter);
    }
    if (bucket.first && this.buckets.get(timeout) === bucket && !bucket.timer) {
      this.arm(timeout, bucket, bucket.first.deadline - now);
    }
  }
}
