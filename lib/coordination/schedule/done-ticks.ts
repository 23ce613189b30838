import type { LockingService } from '../../module/locking.service.js';
import type { TickSettings } from './read-tick-options.js';
import { keyOfTick, retentionOf, type Tick } from './tick.js';

/** How long a mark that is made again waits for an instance that has the key of the tick for a moment. */
const PATIENCE = 2000;

interface DoneTick {
  readonly provider: string | undefined;
  /** When its mark is no longer needed, in milliseconds of the lease clock. */
  readonly until: number;
}

/** The ticks that this instance has run, and marks once more where the store may have lost the marks. */
export class DoneTicks {
  private readonly done = new Map<string, DoneTick>();
  private readonly watched = new Set<string | undefined>();

  constructor(
    private readonly locking: LockingService,
    private readonly clock: { now(): number },
  ) {}

  note(tick: Tick, settings: TickSettings): void {
    const { provider } = settings;
    const now = this.clock.now();
    for (const [key, { until }] of this.done) if (until <= now) this.done.delete(key);
    this.done.set(keyOfTick(tick), { provider, until: now + retentionOf(tick, settings) });
    if (this.watched.has(provider)) return;
    this.watched.add(provider);
    this.locking.onStoreReplaced(() => void this.markAgain(provider), { provider });
  }

  /** Never rejects: where it cannot be done, another instance may run the tick again, as without it. */
  private async markAgain(provider: string | undefined): Promise<void> {
    const now = this.clock.now();
    const lost = [...this.done].filter((entry) => entry[1].provider === provider && entry[1].until > now);
    await Promise.allSettled(
      lost.map(async ([key, { until }]) =>
        this.locking.execute(key, () => undefined, {
          provider,
          timeout: `${PATIENCE}ms`,
          minHold: `${Math.ceil(until - now)}ms`,
        }),
      ),
    );
  }
}
