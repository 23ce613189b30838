import type { Clock, ClockTimer } from './clock.js';

/**
 * The clock by which leases expire: it counts the time for which the machine slept, as the store does. When it leaps,
 * leases have expired if the machine slept, and have not if the time of day was set: only the store can tell.
 */
export class LeaseClock {
  /** Called for each leap before the time after it is returned. */
  onLeap: (before: number, after: number) => void = () => undefined;

  private leapt: number;

  /** The time, while it stands still. */
  private still?: number;

  constructor(private readonly clock: Clock) {
    this.leapt = clock.leapt(clock.now());
  }

  /** Milliseconds that never go back. */
  now(): number {
    if (this.still !== undefined) return this.still;
    const now = this.clock.now();
    const leapt = this.clock.leapt(now);
    const before = this.leapt;
    if (leapt > before) {
      this.leapt = leapt;
      this.onLeap(now + before, now + leapt);
    }
    return now + leapt;
  }

  /** Until {@link goOn} it is `now`: what follows at once from an answer does not read the clock for each of its steps. */
  standStill(now: number): void {
    this.still = now;
  }

  goOn(): void {
    this.still = undefined;
  }

  /** As of a {@link Clock}; it does not fire while the machine sleeps, and is late by that. */
  setTimer(callback: () => void, milliseconds: number, keepAlive: boolean): ClockTimer {
    return this.clock.setTimer(callback, milliseconds, keepAlive);
  }
}
