import type { ReleaseRequest } from '../interfaces/index.js';
import type { Clock, ClockTimer } from './clock.js';
import type { StoreCalls } from './store-calls.js';

/** Half of what a waiter is promised once the store can be reached again: the repetition takes its time, too. */
const RETRY_INTERVAL = 500;

/** What never expires is tried for this long, in milliseconds. */
const LONGEST_RETRY = 600_000;

/**
 * Releases that must not be forgotten: of attempts that were given up, and of locks whose release failed. They are
 * tried until the store has answered, or until the lease has run out by itself.
 */
export class ReleaseRetry {
  private readonly pending = new Map<ReleaseRequest, number>();
  private readonly underway = new Set<Promise<void>>();
  private timer?: ClockTimer;
  /** From then on nothing is tried more than once. */
  private closed = false;

  constructor(
    private readonly calls: StoreCalls,
    private readonly clock: Clock,
    private readonly onFreed: (keys: readonly string[]) => void,
  ) {}

  /** @param ttl - how long the lease can outlive this moment; `null` never expires */
  add(request: ReleaseRequest, ttl: number | null): void {
    this.pending.set(request, this.clock.now() + (ttl ?? LONGEST_RETRY));
    this.send([request]);
  }

  /** A last try for all of them; nothing is tried again after. */
  async close(): Promise<void> {
    await Promise.all(this.underway);
    this.closed = true;
    this.timer?.cancel();
    this.timer = undefined;
    this.send([...this.pending.keys()]);
    await Promise.all(this.underway);
  }

  private send(requests: readonly ReleaseRequest[]): void {
    for (const request of requests) {
      const done = this.attempt(request).finally(() => this.underway.delete(done));
      this.underway.add(done);
    }
  }

  private async attempt(request: ReleaseRequest): Promise<void> {
    const freed = await new Promise<boolean>((resolve) => {
      this.calls.release(request, {
        answered: (outcomes) => {
          this.pending.delete(request);
          resolve(outcomes.includes('freed'));
        },
        failed: () => {
          if (this.closed || (this.pending.get(request) ?? 0) <= this.clock.now()) this.pending.delete(request);
          resolve(false);
        },
      });
    });
    // Only then: whoever is woken for nothing asks again, fails again, and comes back here.
    if (freed) this.onFreed(request.keys);
    this.schedule();
  }

  private schedule(): void {
    if (this.closed || this.timer || this.pending.size === 0) return;
    this.timer = this.clock.setTimer(
      () => {
        this.timer = undefined;
        this.send([...this.pending.keys()]);
      },
      RETRY_INTERVAL,
      false,
    );
  }
}
