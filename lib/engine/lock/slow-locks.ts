import { heldForLong, waitedForLong } from '../engine.messages.js';
import type { Grant } from '../hold/lease.js';
import type { CallOptions } from '../options/call-options.js';
import { Alarm } from '../runtime/alarm.js';
import type { Clock } from '../runtime/clock.js';
import { Heap, type HeapElement } from '../runtime/heap.js';
import type { LockCall } from './lock-reports.js';

/** A wait or a hold that is looked after: `grant` is there once the wait is over. */
interface Watch extends HeapElement {
  readonly keys: readonly string[];
  readonly options: CallOptions;
  due: number;
  grant?: Grant;
}

/** Warns, once each, of locks that are waited for or held for longer than the `warnAfter` of their call. */
export class SlowLocks {
  private readonly heap = new Heap<Watch>(({ due }) => due);
  private readonly holds = new Map<Grant, Watch>();
  private readonly alarm: Alarm;

  constructor(
    private readonly clock: Clock,
    private readonly warn: (message: string) => void,
  ) {
    this.alarm = new Alarm(clock, this.onDue, false);
  }

  /** How many waits and holds are looked after. */
  get size(): number {
    return this.heap.size;
  }

  /** Looks after a wait that begins now, and after the lock that it may come to. */
  watch({ keys, options, granted, failed }: LockCall): LockCall {
    const watch: Watch = { keys, options, due: 0, heapIndex: -1 };
    this.add(watch);
    return {
      keys,
      options,
      granted: (grant) => {
        this.remove(watch);
        watch.grant = grant;
        this.holds.set(grant, watch);
        this.add(watch);
        granted(grant);
      },
      failed: (error) => {
        this.remove(watch);
        failed(error);
      },
    };
  }

  /** A hold ends. */
  end(grant: Grant): void {
    const watch = this.holds.get(grant);
    if (!watch) return;
    this.holds.delete(grant);
    this.remove(watch);
  }

  private add(watch: Watch): void {
    const now = this.clock.now();
    watch.due = now + watch.options.warnAfter;
    this.heap.add(watch);
    this.alarm.set(watch.due, now);
  }

  private remove(watch: Watch): void {
    if (watch.heapIndex < 0) return;
    this.heap.remove(watch);
    if (this.heap.size === 0) this.alarm.clear();
  }

  private readonly onDue = (now: number): void => {
    for (let { first } = this.heap; first; first = this.heap.first) {
      if (first.due > now) {
        this.alarm.set(first.due, now);
        return;
      }
      this.heap.remove(first);
      if (first.grant) this.holds.delete(first.grant);
      this.tell(first);
    }
  };

  private tell({ keys, options: { warnAfter, label, ownerId }, grant }: Watch): void {
    const by = label ?? ownerId;
    if (!grant) this.warn(waitedForLong(keys, warnAfter, by));
    else if (grant.held) this.warn(heldForLong(keys, warnAfter, by));
  }
}
