import { setImmediate } from '../engine/runtime/real-queues.js';
import type { Clock, ClockTimer } from '../engine/runtime/clock.js';
import { parseDuration } from '../engine/options/duration.js';
import { inNeutralContext } from '../engine/runtime/neutral-context.js';
import type { Duration } from '../interfaces/index.js';

interface PendingTimer {
  readonly due: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until a test moves it. Leases, renewals, timeouts and polling of a `LockingTestingModule`
 * run on it.
 *
 * @example
 * await clock.advance('31s'); // a lease of 30 s has run out, and the waiters have been served
 */
export class ManualClock implements Clock {
  private time = 0;
  private asleep = 0;
  private setAhead = 0;
  private readonly timers = new Set<PendingTimer>();

  now(): number {
    return this.time;
  }

  leapt(): number {
    return this.asleep + this.setAhead;
  }

  epochMicroseconds(): number {
    return Math.floor((performance.timeOrigin + this.time + this.leapt()) * 1000);
  }

  /** The time of other machines, such as the server of a store: it goes on while this one is suspended. */
  readonly elsewhere: Clock = {
    now: () => this.time + this.asleep,
    leapt: () => 0,
    epochMicroseconds: () => Math.floor((performance.timeOrigin + this.time + this.asleep) * 1000),
    setTimer: (callback, milliseconds) => this.setTimer(callback, milliseconds),
  };

  setTimer(callback: () => void, milliseconds: number): ClockTimer {
    // Whole milliseconds, as the timers of Node have them.
    const timer = { due: this.time + Math.max(0, Math.ceil(milliseconds)), callback };
    this.timers.add(timer);
    return {
      cancel: () => {
        this.timers.delete(timer);
      },
    };
  }

  /** How many timers wait for the clock to move: 0 when nothing is locked and no call waits. */
  get pendingTimers(): number {
    return this.timers.size;
  }

  /**
   * Moves the clock and runs what becomes due on the way, each at its own time, and what follows from it.
   *
   * @param duration - a number is seconds, as everywhere
   */
  async advance(duration: Duration): Promise<void> {
    const end = this.time + parseDuration(duration, 'advance');
    await settled();
    for (;;) {
      const next = this.nextDue(end);
      if (!next) break;
      this.timers.delete(next);
      this.time = Math.max(this.time, next.due);
      inNeutralContext(next.callback);
      await settled();
    }
    // Another advance may have gone further meanwhile.
    this.time = Math.max(this.time, end);
  }

  /**
   * Puts the machine to sleep and wakes it: the time of day, and the time of other machines, has gone on by `duration`,
   * this clock has stood still, and timers are late by that. Leases that have run out meanwhile are lost as soon as the
   * store, which is asked at once, has said so; until then they are not held.
   */
  suspend(duration: Duration): void {
    this.asleep += parseDuration(duration, 'suspend');
  }

  /** Sets the time of day forward, as an operator does. No lease is lost by that. */
  setForward(duration: Duration): void {
    this.setAhead += parseDuration(duration, 'setForward');
  }

  /**
   * Moves the clock and runs nothing meanwhile, as when a program computes for so long that its event loop stands still.
   * Timers that have become due ring with the next `advance`, `advance(0)` included.
   */
  block(duration: Duration): void {
    this.time += parseDuration(duration, 'block');
  }

  private nextDue(end: number): PendingTimer | undefined {
    let next: PendingTimer | undefined;
    for (const timer of this.timers) if (timer.due <= end && (!next || timer.due < next.due)) next = timer;
    return next;
  }
}

/** Lets everything run that is ready to. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
