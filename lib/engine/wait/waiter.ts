import type { CallOptions } from '../options/call-options.js';
import type { Bucket } from './deadlines.js';
import type { SoloAcquire } from '../dispatch/solo-acquire.js';
import type { Grant } from '../hold/grant.js';
import type { Queue, QueueEntry } from './queue.js';

/** What becomes of a wait. */
export interface WaitOutcome {
  granted(grant: Grant): void;
  failed(error: unknown): void;
}

/**
 * One caller in line for its keys. It joins the lines of all of them at once, and steps aside in those whose key it
 * could not use yet.
 */
export class Waiter {
  readonly places: QueueEntry[] = [];

  /** Of several keys: its place among those of this process that want the same ones. */
  group?: QueueEntry;

  /** How many have joined before it. */
  order = 0;

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
  tooLong?: Queue;

  /** Whether the store has ever told it that somebody else holds a key. */
  answered = false;

  /** What the store last failed with, after it had answered before. */
  failure?: unknown;

  /** Takes what is this caller's own; without one, it gets its share in a lease of this process. */
  errand?: SoloAcquire;

  /** What jobs around its call hold. */
  around?: readonly Grant[];

  /** Takes the listener off the caller's signal. */
  stopListening?: () => void;

  constructor(
    readonly keys: readonly string[],
    readonly options: CallOptions,
    readonly outcome: WaitOutcome,
  ) {}

  /** Whether nobody is before it for any of its keys. */
  get isFirst(): boolean {
    for (const { previous } of this.places) if (previous) return false;
    return !this.group?.previous;
  }
}
