import type { ReleaseRequest } from '../interfaces/index.js';
import type { Clock } from './clock.js';

/**
 * For how many milliseconds at least a release is remembered: sentinels take a second or two to tell of a failover that
 * they have been asked for, and until then the former master goes on confirming what the new one never hears of.
 */
const REMEMBERED = 10_000;

/** Of more, the oldest are forgotten sooner. */
const MOST = 10_000;

/** The releases of the last seconds, for a store that has lost its last writes. Twice {@link MOST} at most. */
export class RecentReleases {
  private current: ReleaseRequest[] = [];
  private former: ReleaseRequest[] = [];
  private since = -Infinity;

  constructor(private readonly clock: Clock) {}

  /** Notes what one attempt gives up. By owner alone, a repetition could take a newer lock of that owner. */
  note(request: ReleaseRequest): void {
    if (request.attemptId === undefined) return;
    this.turnOver();
    this.current.push(request);
  }

  /** Takes all of them out, oldest first. */
  take(): ReleaseRequest[] {
    this.turnOver();
    const all = [...this.former, ...this.current];
    this.former = [];
    this.current = [];
    return all;
  }

  private turnOver(): void {
    const now = this.clock.now();
    const age = now - this.since;
    if (age < REMEMBERED && this.current.length < MOST) return;
    this.former = age < 2 * REMEMBERED ? this.current : [];
    this.current = [];
    this.since = now;
  }
}
