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

  add(waiter: Waiter): void {
    const { timeout } = waiter.options;
    waiter.deadline = this.clock.now() + timeout;
    let bucket = this.buckets.get(timeout);
    if (!bucket) this.buckets.set(timeout, (bucket = {}));
    waiter.earlier = bucket.last;
    if (bucket.last) bucket.last.later = waiter;
    else bucket.first = waiter;
    bucket.last = waiter;
    if (!bucket.timer) this.arm(timeout, bucket, timeout);
  }

  remove(waiter: Waiter): void {
    if (waiter.deadline === Infinity) return;
    waiter.deadline = Infinity;
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
