/** A smaller step is that of a clock which is being adjusted, or the grain of the two clocks, in milliseconds. */
const SMALLEST_LEAP = 50;

/**
 * Adds up by how much the time of day has leapt ahead of the monotonic clock. That one stands still while a machine
 * sleeps or a virtual machine is moved; but an operator may just have set the time of day.
 */
export class Leaps {
  private total = 0;
  private last = -Infinity;
  private ahead = 0;

  constructor(
    private readonly monotonic: () => number,
    private readonly timeOfDay: () => number,
  ) {}

  /**
   * Milliseconds, never fewer than before.
   *
   * @param now - the monotonic clock, read just now
   */
  sum(now: number): number {
    let ahead = this.timeOfDay() - now;
    // A clock that goes back was replaced, as tests do.
    if (now >= this.last && ahead - this.ahead >= SMALLEST_LEAP && this.last !== -Infinity) {
      // The process may have stood still between the two readings: what is no leap is gone when both are read again.
      const again = this.monotonic();
      ahead = Math.min(ahead, this.timeOfDay() - again);
      if (ahead - this.ahead >= SMALLEST_LEAP) this.total += ahead - this.ahead;
    }
    this.ahead = ahead;
    this.last = now;
    return this.total;
  }
}
