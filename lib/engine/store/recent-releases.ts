import type { EndRequest, ReleaseOutcome } from '../../provider-api/index.js';
import type { Clock } from '../runtime/clock.js';

/**
 * For how many milliseconds at least a release is remembered: sentinels take a second or two to tell of a failover that
 * they have been asked for, and until then the former master goes on confirming what the new one never hears of.
 */
const REMEMBERED = 10_000;

/** Of more keys, the oldest are forgotten sooner: one release may name thousands. */
const MOST = 10_000;

/** The releases of the last seconds, for a store that has lost its last writes. Of {@link MOST} keys twice at most. */
export class RecentReleases {
  private current: EndRequest[] = [];
  private former: EndRequest[] = [];
  private since = -Infinity;

  /** How many keys the current ones name. */
  private keys = 0;
  private readonly repeatedBy = new WeakMap<EndRequest, readonly EndRequest[]>();
  private readonly repeating = new WeakSet<EndRequest>();

  constructor(private readonly clock: Clock) {}

  /** Notes the release of one attempt. By owner alone, a repetition could take a newer lock of that owner. */
  note(request: EndRequest): void {
    if (request.attemptId === undefined || this.repeating.has(request)) return;
    this.turnOver();
    this.current.push(request);
    this.keys += request.keys.length;
  }

  /**
   * Requests that repeat those of the last seconds, oldest first. Every time they are the same, and they are not noted
   * themselves: a connection that is lost again and again must not keep old releases alive.
   *
   * @param repeat - the requests that repeat one
   */
  repetitions(repeat: (request: EndRequest) => readonly EndRequest[]): readonly EndRequest[] {
    this.turnOver();
    return [...this.former, ...this.current].flatMap((request) => {
      let again = this.repeatedBy.get(request);
      if (!again) {
        // Copies: the request itself may still be under way, or be tried again.
        again = repeat(request).map((one) => ({ ...one }));
        this.repeatedBy.set(request, again);
        for (const one of again) this.repeating.add(one);
      }
      return again;
    });
  }

  /**
   * What became of `request`. One that was under way when it was repeated may reach the store after its repetition, and
   * finds that its keys are gone: that is no sign of a lost lock.
   */
  outcomesOf(request: EndRequest, outcomes: readonly ReleaseOutcome[]): readonly ReleaseOutcome[] {
    if (!outcomes.includes('gone') || !this.repeatedBy.has(request)) return outcomes;
    return outcomes.map((outcome) => (outcome === 'gone' ? 'freed' : outcome));
  }

  private turnOver(): void {
    const now = this.clock.now();
    const age = now - this.since;
    if (age < REMEMBERED && this.keys < MOST) return;
    this.former = age < 2 * REMEMBERED ? this.current : [];
    this.current = [];
    this.keys = 0;
    this.since = now;
  }
}
