import type { ClockTimer } from '../runtime/clock.js';
import type { EngineParts } from '../engine-parts.js';
import type { Queue } from '../wait/queue.js';
import type { AcquireAttempt } from './acquire-attempt.js';

/** What is due within so many milliseconds is asked along, so that one call serves all. */
const ALONG = 500;

/**
 * Asks again what the store may not have told: after leases that are sought, and after those of this process that
 * somebody here waits for. Wake-ups are a speed-up; this is what makes sure. One timer for all.
 */
export class Poller {
  private readonly seeks = new Set<AcquireAttempt>();
  private readonly lines = new Map<Queue, number>();
  /** Those of which the store owes an answer. */
  private readonly asked = new Set<Queue>();
  private timer?: ClockTimer;
  private due = Infinity;

  constructor(
    private readonly parts: EngineParts,
    private readonly ask: (seek: AcquireAttempt) => void,
  ) {}

  add(seek: AcquireAttempt, milliseconds: number): void {
    seek.checkAt = this.parts.clock.now() + milliseconds;
    this.seeks.add(seek);
    this.arm(seek.checkAt);
  }

  remove(seek: AcquireAttempt): void {
    if (this.seeks.delete(seek)) this.rest();
  }

  /** `line` has a waiter, and its key a holder here, which may have lost it without anybody's noticing. */
  attend(line: Queue): void {
    if (this.lines.has(line)) return;
    const checkAt = this.parts.clock.now() + this.parts.settings.backoff.maximum;
    this.lines.set(line, checkAt);
    this.arm(checkAt);
  }

  everyone(): AcquireAttempt[] {
    return [...this.seeks];
  }

  close(): void {
    this.seeks.clear();
    this.lines.clear();
    this.rest();
  }

  /** Without anything to ask there is no timer. */
  rest(): void {
    if (this.seeks.size > 0 || this.lines.size > 0) return;
    this.timer?.cancel();
    this.timer = undefined;
    this.due = Infinity;
  }

  /** Nobody waits for `line` any more. */
  leave(line: Queue): void {
    if (this.lines.delete(line)) this.rest();
  }

  private arm(due: number): void {
    if (due >= this.due) return;
    this.timer?.cancel();
    this.due = due;
    this.timer = this.parts.clock.setTimer(
      () => {
        this.due = Infinity;
        this.timer = undefined;
        this.go();
      },
      due - this.parts.clock.now(),
      true,
    );
  }

  private go(): void {
    const { clock, settings } = this.parts;
    const now = clock.now();
    let next = Infinity;
    for (const seek of [...this.seeks]) {
      // What is polled keeps its own pace, which is drawn by lot.
      if (seek.checkAt <= now + (seek.queued ? ALONG : 0)) {
        this.seeks.delete(seek);
        this.ask(seek);
      } else next = Math.min(next, seek.checkAt);
    }
    for (const [line, checkAt] of this.lines) {
      if (!line.head || !line.lease) this.lines.delete(line);
      else if (checkAt <= now + ALONG) {
        this.lines.set(line, now + settings.backoff.maximum);
        this.askAfter(line);
      }
    }
    for (const checkAt of this.lines.values()) next = Math.min(next, checkAt);
    if (next !== Infinity) this.arm(next);
  }

  private askAfter(line: Queue): void {
    const { lease } = line;
    if (!lease || lease.grants.length === 0 || this.asked.has(line)) return;
    const { calls, keeper } = this.parts;
    const { key, ownerId, attemptId } = lease;
    const asked = keeper.askedAfter([key], ownerId);
    const answered = (held: readonly boolean[]): void => {
      this.asked.delete(line);
      keeper.noteAnswer(asked, held, undefined);
    };
    // An error is neither held nor lost: the lease has a deadline.
    const failed = (): void => void this.asked.delete(line);
    this.asked.add(line);
    calls.extend(
      { keys: [key], ownerId, ttl: null, attemptId, leases: asked },
      {
        answered,
        failed: (_, owed) => {
          if (owed) owed.then(answered, failed);
          else failed();
        },
      },
    );
  }
}
