import type { Lease } from '../hold/lease.js';
import type { AcquireAttempt } from '../acquire/acquire-attempt.js';
import type { Waiter } from './waiter.js';

/** The place of one waiter in one line. */
export class QueueEntry {
  previous?: QueueEntry;
  next?: QueueEntry;

  /** Its waiter could not use the key now, as it lacks another one: those behind it pass. */
  aside = false;

  constructor(
    readonly waiter: Waiter,
    readonly line: Queue,
  ) {}
}

/** Tokens set aside run ahead of the clock until they are used: see "Fencing tokens" in ARCHITECTURE.md. */
const SMALLEST_TOKEN_BLOCK = 32;
const LARGEST_TOKEN_BLOCK = 4096;

/** One key, as this process sees it: its lease, what is under way to get one, and who waits here, first come first. */
export class Queue {
  lease?: Lease;
  seek?: AcquireAttempt;
  head?: QueueEntry;

  /** How many wait here for nothing but this key, and how many have stepped aside. */
  count = 0;
  aside = 0;

  /** Its lease was given back for the sake of other processes. */
  isGivingWay = false;

  /** How many fencing tokens are set aside with a lease that several wait for; it grows as they are used up. */
  tokenBlock = SMALLEST_TOKEN_BLOCK;

  private tail?: QueueEntry;

  constructor(readonly key: string) {}

  /** Whether nobody here has anything to do with the key. */
  get deserted(): boolean {
    return this.count + this.aside === 0 && this.lease === undefined && this.seek === undefined;
  }

  /**
   * How many wait here: all of them but the first one, as long as nobody has said that the key is held by somebody else.
   * It may be on its way to a free key.
   */
  get waiting(): number {
    const { head, lease, count } = this;
    if (!head) return 0;
    return head.waiter.answered || (lease && lease.grants.length > 0) ? count : count - 1;
  }

  /** The next lease is to have about as many tokens as the last one has used. */
  adaptTokenBlock({ firstToken, lastToken, token }: Lease): void {
    const size = lastToken - firstToken + 1;
    const used = token - firstToken + 1;
    if (used === size && size >= this.tokenBlock) this.tokenBlock = Math.min(4 * size, LARGEST_TOKEN_BLOCK);
    else if (used < size / 4) this.tokenBlock = Math.max(size / 4, SMALLEST_TOKEN_BLOCK);
  }

  join(place: QueueEntry): void {
    place.previous = this.tail;
    if (this.tail) this.tail.next = place;
    else this.head = place;
    this.tail = place;
    this.count += 1;
  }

  leave(place: QueueEntry): void {
    if (place.aside) this.aside -= 1;
    else this.unlink(place);
  }

  /** Lets those behind `place` pass, until it comes back. */
  stepAside(place: QueueEntry): void {
    if (place.aside) return;
    this.unlink(place);
    place.previous = place.next = undefined;
    place.aside = true;
    this.aside += 1;
  }

  /** Takes the place again that `place` had: before all that joined later, but for the one that is being served. */
  comeBack(place: QueueEntry): void {
    if (!place.aside) return;
    place.aside = false;
    this.aside -= 1;
    this.count += 1;
    let before = this.seek || this.head?.waiter.errand?.isAsking ? this.head : undefined;
    let after = before ? before.next : this.head;
    while (after && after.waiter.order < place.waiter.order) {
      before = after;
      after = after.next;
    }
    place.previous = before;
    place.next = after;
    if (before) before.next = place;
    else this.head = place;
    if (after) after.previous = place;
    else this.tail = place;
  }

  private unlink(place: QueueEntry): void {
    if (place.previous) place.previous.next = place.next;
    else this.head = place.next;
    if (place.next) place.next.previous = place.previous;
    else this.tail = place.previous;
    this.count -= 1;
  }
}
