import type { LeaseTable } from '../hold/lease-table.js';
import type { BackoffSettings } from '../options/engine-settings.js';
import type { Clock } from '../runtime/clock.js';
import type { LeaseClock } from '../runtime/lease-clock.js';
import type { ReleaseRetry } from '../store/release-retry.js';
import type { StoreCalls } from '../store/store-calls.js';
import { AcquireAttempt, type AttemptHost, type AttemptSpec } from './acquire-attempt.js';
import { Backoff } from './backoff.js';
import type { Poller } from './poller.js';

/** After a store has refused to tell this process anything, it is asked again only after so many milliseconds. */
const LISTEN_AGAIN = 10_000;

/** Runs attempts, and has the store tell this process of grants once one has to wait. */
export class Acquirer implements AttemptHost {
  private listening: 'no' | 'soon' | 'yes' = 'no';
  /** When to try that again, on the local clock. */
  private listenFrom = -Infinity;
  /** Whether wake-ups are wanted, and do not come. */
  private isDeaf = false;

  /** @param subscribe - to what the store tells this process; without it the store has no queues */
  constructor(
    readonly calls: StoreCalls,
    readonly retry: ReleaseRetry,
    readonly leases: LeaseTable,
    readonly poller: Poller,
    readonly leaseClock: LeaseClock,
    private readonly clock: Clock,
    private readonly backoff: BackoffSettings,
    readonly processId: string,
    private readonly nextId: () => string,
    readonly releases: AttemptHost['releases'],
    private readonly subscribe: (() => Promise<void>) | undefined,
  ) {}

  get canQueue(): boolean {
    return this.listening === 'yes';
  }

  /** What this process hears of the store; `unused` until the first caller has to wait. */
  get wakeUps(): 'none' | 'unused' | 'working' | 'interrupted' {
    if (!this.subscribe) return 'none';
    if (this.listening === 'yes') return 'working';
    return this.isDeaf ? 'interrupted' : 'unused';
  }

  /** @param after - milliseconds until the store is asked first */
  start(spec: AttemptSpec, after = 0): AcquireAttempt {
    const attempt = new AcquireAttempt(this.nextId(), spec, this);
    if (after > 0) this.poller.add(attempt, after);
    else attempt.ask();
    return attempt;
  }

  newBackoff(): Backoff {
    return new Backoff(this.backoff);
  }

  /** Where the store has queues, this process is to be told of grants before it joins one, and of those who wait elsewhere. */
  listen(): void {
    if (this.listening !== 'no' || !this.subscribe || this.clock.now() < this.listenFrom) return;
    this.listening = 'soon';
    this.subscribe().then(
      () => {
        if (this.listening === 'soon') this.restored();
      },
      () => {
        this.listening = 'no';
        this.isDeaf = true;
        this.listenFrom = this.clock.now() + LISTEN_AGAIN;
      },
    );
  }

  interrupted(): void {
    this.listening = 'soon';
    this.isDeaf = true;
  }

  restored(): void {
    this.listening = 'yes';
    this.isDeaf = false;
    this.askAll();
  }

  /** Asks for everything that is waited for now: the store may have lost its queues. */
  askAll(): void {
    for (const polled of this.poller.all()) if (polled instanceof AcquireAttempt) polled.ask();
  }
}
