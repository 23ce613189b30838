import type { LeaseAnswer, LeaseRequest } from '../../interfaces/index.js';
import type { Backoff } from './backoff.js';
import { canShare } from '../options/call-options.js';
import type { Queue } from '../wait/queue.js';
import type { Waiter } from '../wait/waiter.js';

/** What a seek has found. */
export interface Found {
  /** One per key. */
  readonly tokens: readonly number[];
  /** Per key, whether the owner held it already. */
  readonly reentered: readonly boolean[];
  /** Whether another process stands in line for it. */
  readonly wanted: boolean;
  /** Until when it can be trusted. */
  readonly deadline: number;
}

/** For whom is sought. */
export interface AttemptOwner {
  /** The seek is over. */
  found(seek: AcquireAttempt, found: Found): void;

  /** Somebody else holds a key. Told each time that the store says so. */
  refused(seek: AcquireAttempt): void;

  /** The store could not be asked: whether to go on all the same. */
  ridesOut(seek: AcquireAttempt, error: unknown): boolean;

  /** The seek is over for that. */
  failed(seek: AcquireAttempt, error: unknown): void;

  /** The seek is over: what it found has run out already. */
  late(seek: AcquireAttempt): void;
}

/**
 * One attempt to get keys from the store. It is asked as often as need be: the attempt stays the same, and so does its
 * place in the store's line.
 */
export class AcquireAttempt {
  /** When the store was first asked, and when it was for the last time that it has said "not yet". */
  firstSentAt?: number;
  confirmedAt?: number;

  /** A question is under way. */
  asking = false;

  /** So are as many more, whose answers have taken too long. */
  owed = 0;

  /** The place of the last one among those that go out together. */
  place = 0;

  /** How many questions there have been, and how many of them were never answered. */
  asked = 0;
  unanswered = 0;

  /** Found, or given up. */
  over = false;

  /** Given up while a question was under way. */
  abandoned = false;

  /** How many releases of what it has found are under way; it is undone only after, if it has to be. */
  releases = 0;
  undoAfter = false;

  /** Stands in the store's line, as it said last. */
  queued = false;

  /** May do so: it was said once, and nothing that was asked since has taken the place away. */
  mayStand = false;

  /** What it was granted with, in its turn. */
  token = 0;

  /** Word of a grant with this token or a smaller one has come too late: it was over when the store was asked last. */
  lastToken = 0;

  /** It may have been granted since the question was sent that is under way. */
  askAgain = false;

  /** Whether the store has ever said "not yet". */
  refused = false;

  /** It said so the last time that it was asked. */
  isWaiting = false;

  /** The key that was in the way last. */
  inTheWay?: string;

  /** When to ask again, on the local clock. */
  checkAt = Infinity;

  backoff?: Backoff;

  constructor(
    readonly line: Queue,
    readonly owner: AttemptOwner,
    /** Its `address` is set as soon as there is one; `tokens` may grow until it is sent. */
    readonly request: { -readonly [Name in keyof LeaseRequest]: LeaseRequest[Name] },
    /** Whose it is; without one, it is for whoever is first in line here. */
    readonly waiter: Waiter | undefined,
  ) {}

  get attemptId(): string {
    return this.request.attemptId;
  }

  /** Whether the store may still come to grant it: a question of it is on the way, or it has a place in the line. */
  get unsettled(): boolean {
    return this.asking || this.unanswered > 0 || this.mayStand;
  }

  /** Takes in a "not yet". One from before a grant of which word has come since says nothing. */
  note({ key, queued = false, lastToken }: LeaseAnswer & { granted: false }): void {
    this.inTheWay = key;
    if (lastToken !== undefined && lastToken < this.token) return;
    if (lastToken !== undefined) this.lastToken = lastToken;
    this.queued = queued;
    if (queued) this.mayStand = true;
  }

  /** Whether to ask, and not to wait. */
  get once(): boolean {
    return this.waiter?.options.timeout === 0 || this.request.onlyIfOwned;
  }

  /** Whether what it finds is what `waiter` wants, too. */
  suits({ keys, options }: Waiter): boolean {
    return this.waiter === undefined && keys.length === 1 && options.ttl === this.request.ttl && canShare(options);
  }
}
