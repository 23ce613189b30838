import type { CallOptions } from './call-options.js';
import type { Bucket } from './deadlines.js';
import type { Errand } from './errand.js';
import type { Grant } from './grant.js';
import type { Line, Place } from './line.js';

/** What becomes of a wait. */
export interface WaitOutcome {
  granted(grant: Grant): void;
  failed(error: unknown): void;
}

/**
 * One caller in line for its keys. It stands in the lines of all of them at once: as nobody joins between two of its
 * keys, whoever has waited longest is first everywhere, and two waiters can never wait for each other.
 */
export class Waiter {
  readonly places: Place[] = [];

  /** When the wait is over, on the local clock, and among whom that is looked after, if it is yet. */
  deadline = Infinity;
  timed?: Bucket;

  /** Neighbours among those with the same timeout. */
  earlier?: Waiter;
  later?: Waiter;

  /** Whether the wait is over, one way or the other. */
  done = false;

  /** Whether somebody in this process was before it. */
  hasWaitedHere = false;

  /** The line in which more than it accepts waited before it already. It may still have what needs no waiting. */
  tooLong?: Line;

  /** Whether the store has ever told it that somebody else holds a key. */
  answered = false;

  /** What the store last failed with, after it had answered before. */
  failure?: unknown;

  /** Takes what is this caller's own; without one, it gets its share in a lease of this process. */
  errand?: Errand;

  /** Takes the listener off the caller's signal. */
  stopListening?: () => void;

  constructor(
    readonly keys: readonly string[],
    readonly options: CallOptions,
    readonly outcome: WaitOutcome,
  ) {}

  /** Whether it has waited longest for each of its keys. */
  get isFirst(): boolean {
    for (const { line, previous } of this.places) if (previous || line.head?.waiter !== this) return false;
    return true;
  }
}
