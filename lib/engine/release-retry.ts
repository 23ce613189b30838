import type { LockingProvider, ReleaseRequest } from '../interfaces/index.js';
import type { Clock, ClockTimer } from './clock.js';
import type { StoreCalls } from './store-calls.js';

const RETRY_INTERVAL = 1000;

/** What never expires is tried for this long, in milliseconds. */
const LONGEST_RETRY = 600_000;

/**
 * Releases that must not be forgotten: of attempts whose answer came too late or never, and of locks whose release
 * failed. They are tried until the store has answered, or until the lease has run out by itself.
 */
export class ReleaseRetry {
  private readonly pending = new Map<ReleaseRequest, number>();
  private timer?: ClockTimer;
  private closed = false;

  constructor(
    private readonly provider: LockingProvider,
    private readonly calls: StoreCalls,
    private readonly clock: Clock,
    private readonly onFreed: (keys: readonly string[]) => void,
  ) {}

  /** @param ttl - how long the lease can outlive this moment; `null` never expires */
  add(request: ReleaseRequest, ttl: number | null): void {
    this.pending.set(request, this.clock.now() + (ttl ?? LONGEST_RETRY));
    void this.attempt([request]);
  }

  /** A last try for all of them; nothing is tried again after. */
  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    await this.attempt([...this.pending.keys()]);
    this.pending.clear();
  }

  private async attempt(requests: readonly ReleaseRequest[]): Promise<void> {
    const done = requests.map(async (request) => {
      try {
        const outcomes = await this.calls.run('release', request.keys, async () =>
          first(this.provider.release([request])),
        );
        this.pending.delete(request);
        // Only then: whoever is woken for nothing asks again, fails again, and comes back here.
        if (outcomes.includes('freed')) this.onFreed(request.keys);
      } catch {
        if (this.closed || (this.pending.get(request) ?? 0) <= this.clock.now()) this.pending.delete(request);
      }
    });
    await Promise.all(done);
    this.schedule();
  }

  private schedule(): void {
    if (this.closed || this.timer || this.pending.size === 0) return;
    this.timer = this.clock.setTimer(
      () => {
        this.timer = undefined;
        void this.attempt([...this.pending.keys()]);
      },
      RETRY_INTERVAL,
      false,
    );
  }
}

/** The only answer to a batch of one. */
export async function first<T>(answers: Promise<T>[]): Promise<T> {
  const [answer] = answers;
  if (answer === undefined) throw new Error('the provider gave no answer to a request');
  return answer;
}
