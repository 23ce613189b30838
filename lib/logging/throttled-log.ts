import type { Clock, ClockTimer } from '../engine/runtime/clock.js';
import { systemClock } from '../engine/runtime/system-clock.js';

/** In milliseconds. */
const INTERVAL = 10_000;

/** Writes the first few lines of each interval of 10 s, and at its end how many there would have been more. */
export class ThrottledLog {
  private lines = 0;
  private timer?: ClockTimer;

  constructor(
    private readonly write: (line: string) => void,
    /** How many lines an interval has at most, besides the last one, which counts. */
    private readonly limit: number,
    private readonly clock: Clock = systemClock,
  ) {}

  add(line: string): void {
    this.lines += 1;
    if (this.lines <= this.limit) this.write(line);
    this.timer ??= this.clock.setTimer(
      () => {
        this.end();
      },
      INTERVAL,
      false,
    );
  }

  private end(): void {
    const more = this.lines - this.limit;
    this.lines = 0;
    this.timer = undefined;
    if (more > 0) this.write(`${String(more)} more like that in the last ${String(INTERVAL / 1000)} s.`);
  }
}
