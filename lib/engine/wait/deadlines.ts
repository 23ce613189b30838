import { Alarm } from '../runtime/alarm.js';
import type { Clock } from '../runtime/clock.js';
import { Heap } from '../runtime/heap.js';
import type { Waiter } from './queue.js';

/** Ends waits in time. */
export class Deadlines {
  private readonly heap = new Heap<Waiter>(({ deadline }) => deadline);
  private readonly alarm: Alarm;

  constructor(
    private readonly clock: Clock,
    private readonly onTimeout: (waiter: Waiter) => void,
  ) {
    this.alarm = new Alarm(clock, this.onDue, true);
  }

  get size(): number {
    return this.heap.size;
  }

  /** From now on `waiter` is ended when its `deadline` comes. */
  add(waiter: Waiter): void {
    if (waiter.heapIndex >= 0) return;
    this.heap.add(waiter);
    if (waiter.heapIndex === 0) this.alarm.set(waiter.deadline, this.clock.now());
  }

  remove(waiter: Waiter): void {
    if (waiter.heapIndex < 0) return;
    this.heap.remove(waiter);
    if (this.heap.size === 0) this.alarm.clear();
  }

  private readonly onDue = (now: number): void => {
    for (let { first } = this.heap; first; first = this.heap.first) {
      if (first.deadline > now) {
        this.alarm.set(first.deadline, now);
        return;
      }
      this.remove(first);
      this.onTimeout(first);
    }
  };
}
