import { Alarm } from '../runtime/alarm.js';
import type { Clock } from '../runtime/clock.js';
import type { Waiter } from './queue.js';

/** Ends waits in time. A heap, the earliest deadline first: most deadlines are added in their order, at its end. */
export class Deadlines {
  private readonly heap: Waiter[] = [];
  private readonly alarm: Alarm;

  constructor(
    private readonly clock: Clock,
    private readonly onTimeout: (waiter: Waiter) => void,
  ) {
    this.alarm = new Alarm(clock, this.onDue, true);
  }

  get size(): number {
    return this.heap.length;
  }

  /** From now on `waiter` is ended when its `deadline` comes. */
  add(waiter: Waiter): void {
    if (waiter.heapIndex >= 0) return;
    this.up(waiter, this.heap.push(waiter) - 1);
    if (waiter.heapIndex === 0) this.alarm.set(waiter.deadline, this.clock.now());
  }

  remove(waiter: Waiter): void {
    const { heap } = this;
    const index = waiter.heapIndex;
    if (index < 0) return;
    waiter.heapIndex = -1;
    const last = heap.pop();
    if (heap.length === 0) this.alarm.clear();
    if (!last || last === waiter) return;
    if (this.up(last, index) === index) this.down(last, index);
  }

  private readonly onDue = (now: number): void => {
    for (let first = this.heap[0]; first; first = this.heap[0]) {
      if (first.deadline > now) {
        this.alarm.set(first.deadline, now);
        return;
      }
      this.remove(first);
      this.onTimeout(first);
    }
  };

  private up(waiter: Waiter, from: number): number {
    const { deadline } = waiter;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.heap[above];
      if (!parent || parent.deadline <= deadline) break;
      this.put(parent, index);
      index = above;
    }
    this.put(waiter, index);
    return index;
  }

  private down(waiter: Waiter, from: number): void {
    const { deadline } = waiter;
    let index = from;
    for (;;) {
      let below = 2 * index + 1;
      let child = this.heap[below];
      const right = this.heap[below + 1];
      if (child && right && right.deadline < child.deadline) {
        child = right;
        below += 1;
      }
      if (!child || child.deadline >= deadline) break;
      this.put(child, index);
      index = below;
    }
    this.put(waiter, index);
  }

  private put(waiter: Waiter, index: number): void {
    this.heap[index] = waiter;
    waiter.heapIndex = index;
  }
}
