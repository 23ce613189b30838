import type { Outage } from './outage.js';

/** How soon a beat that failed is tried again, in milliseconds, where the next one is not sooner. */
const RETRY_INTERVAL = 1000;

/** Does something again and again until it is stopped. It does not keep a process alive. */
export class Heartbeat {
  private timer?: NodeJS.Timeout;
  private beating: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly interval: number,
    private readonly outage: Outage,
    /** Resolves with whether the store has answered. */
    private readonly beat: () => Promise<boolean>,
  ) {}

  /** Beats at once; resolves when that is over. */
  async begin(): Promise<void> {
    this.beating = this.once();
    await this.beating;
  }

  /** @param first - milliseconds until the first beat */
  start(first: number): void {
    this.timer = setTimeout(() => {
      this.beating = this.once();
    }, first);
    this.timer.unref();
  }

  /** No beat begins any more; resolves once the one under way is over. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.beating;
  }

  private async once(): Promise<void> {
    let next = this.interval;
    try {
      if (await this.beat()) this.outage.over();
    } catch (error) {
      next = Math.min(RETRY_INTERVAL, this.interval);
      if (!this.stopped) this.outage.note(error);
    }
    if (!this.stopped) this.start(next);
  }
}
