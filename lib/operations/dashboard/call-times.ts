import { lockingChannels } from '../../diagnostics/channels.js';
import type { AcquireMessage, HoldMessage, LockOrigin } from '../../diagnostics/messages.interface.js';
import { Durations, type Percentiles } from './durations.js';

/** Over how many milliseconds percentiles go, and how long a part of that may be. */
const SPAN = 60_000;

/** What one part of the span has seen. */
interface Part {
  readonly since: number;
  readonly waits: Durations;
  readonly holds: Durations;
}

const { acquire, hold } = lockingChannels;

/** How long the callers of this instance waited for locks of one provider, and held them, over the last minute. */
export class CallTimes {
  private parts: Part[] = [];
  private isOn = false;

  constructor(
    private readonly origin: LockOrigin,
    /** Whether a lock is one of the package itself: a wait for an election is no wait of a caller. */
    private readonly isOwn: (key: string) => boolean,
  ) {}

  /** Listens from now on; what was seen before is out of date. */
  start(now: number): void {
    if (this.isOn) return;
    this.isOn = true;
    this.parts = [];
    this.turn(now);
    acquire.subscribe(this.onAcquire);
    hold.subscribe(this.onHold);
  }

  stop(): void {
    if (!this.isOn) return;
    this.isOn = false;
    acquire.unsubscribe(this.onAcquire);
    hold.unsubscribe(this.onHold);
  }

  /** What the last minute was like; what comes from now on counts for the next one. */
  read(now: number): { readonly waits: Percentiles | null; readonly holds: Percentiles | null } {
    this.parts = this.parts.filter(({ since }) => since > now - SPAN);
    const waits = Durations.percentilesOf(this.parts.map((part) => part.waits));
    const holds = Durations.percentilesOf(this.parts.map((part) => part.holds));
    this.turn(now);
    return { waits, holds };
  }

  private turn(now: number): void {
    this.parts.push({ since: now, waits: new Durations(), holds: new Durations() });
  }

  private concerns({ application, provider, keys, keyTemplate }: AcquireMessage | HoldMessage): boolean {
    if (application !== this.origin.application || provider !== this.origin.provider) return false;
    return !this.isOwn(keyTemplate ?? keys[0] ?? '');
  }

  private readonly onAcquire = {
    asyncEnd: (message: AcquireMessage): void => {
      const { outcome, waited } = message;
      if (outcome === 'acquired' && waited !== undefined && this.concerns(message))
        this.parts.at(-1)?.waits.note(waited);
    },
  };

  private readonly onHold = {
    asyncEnd: (message: HoldMessage): void => {
      const { held } = message;
      if (held !== undefined && this.concerns(message)) this.parts.at(-1)?.holds.note(held);
    },
  };
}
