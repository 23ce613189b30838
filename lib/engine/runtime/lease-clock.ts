import type { Clock, ClockTimer } from './clock.js';

/**
 * The clock by which leases run out: it counts the time for which the machine slept, as the store does. When it leaps,
 * leases have run out if the machine slept, and have not if somebody set the time of day: then the store has to be asked.
 */
export class LeaseClock {
  /** Told of each leap before anybody reads the time after it. */
  onLeap: (before: number, after: number) => void = () => undefined;

  private leapt: number;

  constructor(private readonly clock: Clock) {
    this.leapt = clock.leapt(clock.now());
  }

  /** Milliseconds that never go back. */
  now(): number {
    const now = this.clock.now();
    const leapt = this.clock.leapt(now);
    const before = this.leapt;
    if (leapt > before) {
      this.leapt = leapt;
      this.onLeap(now + before, now + leapt);
    }
    return now + leapt;
  }

  /** As of a {@link Clock}; it does not fire while the machine sleeps, and is late by that. */
  setTimer(callback: () => void, milliseconds: number, keepAlive: boolean): ClockTimer {
    return this.clock.setTimer(callback, milliseconds, keepAlive);
  }
}
