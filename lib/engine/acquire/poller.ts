import { Alarm } from '../runtime/alarm.js';
import type { Clock } from '../runtime/clock.js';

/** Everything that is due within so many milliseconds is polled along, so that one call serves all. */
const ALONG = 500;

/** Something about which the store is asked again after a delay. */
export interface Polled {
  /** When, on the local clock. Kept by the Poller. */
  checkAt: number;

  /** Whether it may be polled earlier, along with others. */
  readonly mayComeEarlier: boolean;

  /** It is polled once for each {@link Poller.add}. */
  poll(): void;
}

/** Asks again what the store may not have told: wake-ups are a speed-up, this makes sure. One alarm for all. */
export class Poller {
  private readonly polled = new Set<Polled>();
  private readonly alarm: Alarm;

  constructor(private readonly clock: Clock) {
    this.alarm = new Alarm(clock, this.onDue, true);
  }

  add(polled: Polled, milliseconds: number): void {
    const now = this.clock.now();
    polled.checkAt = now + milliseconds;
    this.polled.add(polled);
    this.alarm.set(polled.checkAt, now);
  }

  remove(polled: Polled): void {
    if (this.polled.delete(polled) && this.polled.size === 0) this.alarm.clear();
  }

  all(): Polled[] {
    return [...this.polled];
  }

  close(): void {
    this.polled.clear();
    this.alarm.clear();
  }

  private readonly onDue = (now: number): void => {
    for (const polled of this.all()) {
      if (polled.checkAt > now + (polled.mayComeEarlier ? ALONG : 0)) continue;
      this.polled.delete(polled);
      polled.poll();
    }
    let next = Infinity;
    for (const { checkAt } of this.polled) next = Math.min(next, checkAt);
    if (next !== Infinity) this.alarm.set(next, now);
  };
}
