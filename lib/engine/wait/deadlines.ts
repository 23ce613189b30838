import type { Clock, ClockTimer } from '../runtime/clock.js';
import type { Waiter } from './waiter.js';

/** Waiters with the same timeout, in the order in which it ends. */
export interface Bucket {
  readonly timeout: number;
  first?: Waiter;
  last?: Waiter;
  timer?: ClockTimer;
}

/** Ends waits in time, with one timer for all that wait equally long. */
export class Deadlines {
  private readonly buckets = new Map<number, Bucket>();

  /**
   * Of those who are added only when others already are whose deadlines are later: first in line for their keys until
   * then. They come in their own order again, so nobody has to be sorted in among thousands.
   */
  private readonly latecomers = new Map<number, Bucket>();

  constructor(
    private readonly clock: Clock,
    private readonly onTimeout: (waiter: Waiter) => void,
  ) {}

  /** From now on `waiter` is ended when its `deadline` comes. */
  add(waiter: Waiter): void {
    if (waiter.timed) return;
    const { timeout } = waiter.options;
    const last = this.buckets.get(timeout)?.last;
    const buckets = last && last.deadline > waiter.deadline ? this.latecomers : this.buckets;
    let bucket = buckets.get(timeout);
    if (!bucket) buckets.set(timeout, (bucket = { timeout }));
    waiter.timed = bucket;
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
      this.arm(bucket, waiter.deadline - this.clock.now());
    }
  }

  remove(waiter: Waiter): void {
    const bucket = waiter.timed;
    if (!bucket) return;
    waiter.timed = undefined;
    if (waiter.earlier) waiter.earlier.later = waiter.later;
    else bucket.first = waiter.later;
    if (waiter.later) waiter.later.earlier = waiter.earlier;
    else bucket.last = waiter.earlier;
    waiter.earlier = waiter.later = undefined;
    if (bucket.first) return;
    bucket.timer?.cancel();
    bucket.timer = undefined;
    for (const buckets of [this.buckets, this.latecomers]) {
      if (buckets.get(bucket.timeout) === bucket) buckets.delete(bucket.timeout);
    }
  }

  private arm(bucket: Bucket, milliseconds: number): void {
    bucket.timer = this.clock.setTimer(
      () => {
        bucket.timer = undefined;
        this.end(bucket);
      },
      milliseconds,
      true,
    );
  }

  /** A timer may be early, or serve waiters that are gone: what counts is the clock. */
  private end(bucket: Bucket): void {
    const now = this.clock.now();
    while (bucket.first && bucket.first.deadline <= now) {
      const waiter = bucket.first;
      this.remove(waiter);
      this.onTimeout(waiter);
    }
    if (bucket.first && !bucket.timer) this.arm(bucket, bucket.first.deadline - now);
  }
}
