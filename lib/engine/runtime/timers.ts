import { clearImmediate, setImmediate } from 'node:timers';
import type { ClockTimer } from './clock.js';
import { Heap, type HeapElement } from './heap.js';
import { makeInNeutralContext } from './neutral-context.js';

/** The longest wait that a timer of Node takes: beyond it, it fires at once. */
const LONGEST_WAIT = 2 ** 31 - 1;

/** A timer that fires so many milliseconds late found the event loop blocked. */
const LATE = 20;

/**
 * All timers of the engine on one timer of Node, outside every async context. Most are cancelled long before they are
 * due: a lock sets and cancels several. Here that moves an entry of a small heap, and leaves Node's timer as it is; it is
 * set anew only for an earlier time, or when it has fired.
 *
 * Fake timers of a test have another clock, and the test counts, runs and clears them: there each timer is one of theirs.
 */
export class Timers {
  private readonly set = setTimeout;
  private readonly clear = clearTimeout;
  private readonly time = performance.now.bind(performance);
  private readonly heap = new Heap<Timer>(({ due }) => due);

  /** How many of the timers keep the process alive. */
  private keeping = 0;

  private armed?: { readonly timer: NodeJS.Timeout; readonly due: number };

  /** Calls `callback` once, whole `milliseconds` from now, and never before one has passed. */
  add(callback: () => void, milliseconds: number, keepAlive: boolean): ClockTimer {
    const wait = Math.max(1, Math.ceil(milliseconds));
    if (setTimeout !== this.set) return ofTheirOwn(callback, wait, keepAlive);
    const timer = new Timer(this, callback, this.time() + wait, keepAlive);
    if (keepAlive) this.keep(1);
    this.heap.add(timer);
    if (timer.heapIndex === 0) this.arm();
    return timer;
  }

  remove(timer: Timer): void {
    if (timer.keepAlive) this.keep(-1);
    this.heap.remove(timer);
  }

  private keep(change: 1 | -1): void {
    const before = this.keeping;
    this.keeping += change;
    if (before === 0) this.armed?.timer.ref();
    else if (this.keeping === 0) this.armed?.timer.unref();
  }

  private arm(): void {
    const { first } = this.heap;
    const { armed } = this;
    if (!first || (armed && armed.due <= first.due)) return;
    if (armed) this.clear.call(globalThis, armed.timer);
    const wait = Math.min(Math.max(0, Math.ceil(first.due - this.time())), LONGEST_WAIT);
    const timer = makeInNeutralContext(this.set, this.ring, wait);
    if (this.keeping === 0) timer.unref();
    this.armed = { timer, due: first.due };
  }

  private readonly ring = (): void => {
    this.armed = undefined;
    try {
      const now = this.time();
      for (let { first } = this.heap; first && first.due <= now; first = this.heap.first) first.fire(now);
    } finally {
      this.arm();
    }
  };
}

class Timer implements ClockTimer, HeapElement {
  heapIndex = -1;
  private afterReading?: NodeJS.Immediate;

  constructor(
    private readonly timers: Timers,
    private readonly callback: () => void,
    readonly due: number,
    readonly keepAlive: boolean,
  ) {}

  cancel(): void {
    if (this.heapIndex >= 0) this.timers.remove(this);
    else if (this.afterReading) clearImmediate(this.afterReading);
  }

  /** Node runs timers that are due before it reads. Answers that came in time, while the event loop was blocked, count. */
  fire(now: number): void {
    this.timers.remove(this);
    if (now - this.due < LATE) {
      this.callback();
      return;
    }
    this.afterReading = setImmediate(this.callback);
    if (!this.keepAlive) this.afterReading.unref();
  }
}

function ofTheirOwn(callback: () => void, wait: number, keepAlive: boolean): ClockTimer {
  const timer = makeInNeutralContext(setTimeout, callback, Math.min(wait, LONGEST_WAIT));
  if (!keepAlive) timer.unref();
  return {
    cancel: () => {
      clearTimeout(timer);
    },
  };
}
