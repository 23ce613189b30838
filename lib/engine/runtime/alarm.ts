import type { Clock, ClockTimer } from './clock.js';

/** One timer for many due times: it is set to the earliest of them, and rings when that has come by the clock. */
export class Alarm {
  private timer?: ClockTimer;
  private due = Infinity;

  /**
   * @param keepAlive - whether a process with nothing else to do stays for it
   * @param longest - the clock is read at least this often, in milliseconds: no timer fires while a machine sleeps
   */
  constructor(
    private readonly clock: Pick<Clock, 'now' | 'setTimer'>,
    private readonly onDue: (now: number, due: number) => void,
    private readonly keepAlive: boolean,
    private readonly longest = Infinity,
  ) {}

  /** Rings at `due` at the latest. */
  set(due: number, now: number): void {
    if (due >= this.due) return;
    this.timer?.cancel();
    this.due = due;
    this.timer = this.clock.setTimer(this.ring, Math.min(due - now, this.longest), this.keepAlive);
  }

  clear(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.due = Infinity;
  }

  private readonly ring = (): void => {
    const { due } = this;
    this.timer = undefined;
    this.due = Infinity;
    const now = this.clock.now();
    if (now < due) this.set(due, now);
    else this.onDue(now, due);
  };
}
