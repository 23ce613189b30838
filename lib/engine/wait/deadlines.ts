import { Alarm } from '../runtime/alarm.js';
import type { Clock } from '../runtime/clock.js';
import { LinkedList } from '../runtime/linked-list.js';
import type { Waiter } from './queue.js';

/**
 * Ends waits in time. Waits of the same length end in the order in which they have begun, so each joins and leaves a list of
 * them at once: a crowd that is served costs no sorting.
 */
export class Deadlines {
  private readonly lists = new Map<number, LinkedList<Waiter>>();

  /**
   * Those that are added behind waits that have begun later: the first waiter for a key has a deadline only once the store has
   * answered. These, too, come in their order, so that none has to be sorted in among thousands.
   */
  private readonly late = new Map<number, LinkedList<Waiter>>();
  private readonly alarm: Alarm;

  constructor(
    private readonly clock: Clock,
    private readonly onTimeout: (waiter: Waiter) => void,
  ) {
    this.alarm = new Alarm(clock, this.onDue, true);
  }

  get size(): number {
    let size = 0;
    for (const lists of [this.lists, this.late]) for (const list of lists.values()) size += list.size;
    return size;
  }

  /** From now on `waiter` is ended when its `deadline` comes. */
  add(waiter: Waiter): void {
    if (waiter.deadlines) return;
    const { timeout } = waiter.options;
    const isLate = (this.lists.get(timeout)?.last?.deadline ?? 0) > waiter.deadline;
    const list = openList(isLate ? this.late : this.lists, timeout);
    let before = list.last;
    while (before && before.deadline > waiter.deadline) before = before.previous;
    list.insert(waiter, before);
    waiter.deadlines = list;
    if (!before) this.alarm.set(waiter.deadline, this.clock.now());
  }

  remove(waiter: Waiter): void {
    const list = waiter.deadlines;
    if (!list) return;
    list.remove(waiter);
    waiter.deadlines = undefined;
    if (list.size > 0) return;
    const { timeout } = waiter.options;
    const lists = this.lists.get(timeout) === list ? this.lists : this.late;
    lists.delete(timeout);
    if (this.lists.size + this.late.size === 0) this.alarm.clear();
  }

  private readonly onDue = (now: number): void => {
    let next = Infinity;
    for (const lists of [this.lists, this.late]) {
      for (const list of lists.values()) {
        // The end of one wait may end others.
        for (let { first } = list; first; first = list.first) {
          if (first.deadline > now) {
            next = Math.min(next, first.deadline);
            break;
          }
          this.remove(first);
          this.onTimeout(first);
        }
      }
    }
    if (next !== Infinity) this.alarm.set(next, now);
  };
}

function openList(lists: Map<number, LinkedList<Waiter>>, timeout: number): LinkedList<Waiter> {
  let list = lists.get(timeout);
  if (!list) lists.set(timeout, (list = new LinkedList()));
  return list;
}
