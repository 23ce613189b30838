import type { AcquireAttempt } from '../acquire/acquire-attempt.js';
import type { Grant, Lease } from '../hold/lease.js';
import type { CallOptions } from '../options/call-options.js';
import { KeyMap } from '../runtime/key-map.js';
import { LinkedList, type ListElement } from '../runtime/linked-list.js';

/** One caller that waits for its keys, in the queues of all of them. */
export class Waiter implements ListElement<Waiter> {
  entries: readonly QueueEntry[] = [];

  /** Of several keys: its entry among those of this process that want the same ones. */
  group?: QueueEntry;

  /** How many have joined before it. */
  order = 0;

  /** When the wait is over, on the local clock; its place in the Deadlines, which keep this, if it has one. */
  deadline = Infinity;
  deadlines?: LinkedList<Waiter> | undefined;
  previous?: Waiter | undefined;
  next?: Waiter | undefined;

  /** Whether the wait is over, one way or the other. */
  done = false;

  /** Whether another waiter or holder of this process was before it. */
  hasWaitedHere = false;

  /** The key for which more waited before it than it accepts. It may still have what needs no waiting. */
  crowded?: string;

  /** Whether the store has ever told it that another process holds a key, and of which it was told so last. */
  answered = false;
  inTheWay?: string;

  /** What the store last failed with, after it had answered before. */
  failure?: unknown;

  /** Takes the listener off the caller's signal. */
  stopListening?: () => void;

  constructor(
    readonly keys: readonly string[],
    readonly options: CallOptions,
    /** What jobs around the call hold. */
    readonly around: readonly Grant[] | undefined,
    /** What becomes of the wait: exactly one of the two is called, once. */
    readonly onGranted: (grant: Grant) => void,
    readonly onFailed: (error: unknown) => void,
  ) {}

  /** Whether it is the first waiter for all of its keys. */
  get isFirst(): boolean {
    for (const { previous } of this.entries) if (previous) return false;
    return !this.group?.previous;
  }
}

/** One waiter in the queue of one key. */
export class QueueEntry implements ListElement<QueueEntry> {
  previous?: QueueEntry | undefined;
  next?: QueueEntry | undefined;

  /** Its waiter could not use the key now, as it lacks another one: the waiters behind it pass. */
  aside = false;

  constructor(
    readonly waiter: Waiter,
    readonly queue: KeyQueue,
  ) {}
}

/** Tokens set aside run ahead of the clock until they are used: see "Fencing tokens" in docs/internals/protocol.md. */
const SMALLEST_TOKEN_BLOCK = 32;
const LARGEST_TOKEN_BLOCK = 4096;

/** The waiters of this process for one key, first come first, and the attempt to acquire it for them. */
export class KeyQueue {
  /** Kept by the QueueTable. */
  attempt?: AcquireAttempt;

  /** The entries in their order; how many more have stepped aside. */
  readonly entries = new LinkedList<QueueEntry>();
  aside = 0;

  /** Its lease was released for the sake of other processes. */
  isGivingWay = false;

  /** How many fencing tokens are set aside with a lease that several wait for; it grows as they are used up. */
  tokenBlock = SMALLEST_TOKEN_BLOCK;

  /**
   * Which release by key was the last one of it, and the last token of a lease that this process had of it: a grant from
   * before, of which the answer is late, is over. Kept by the QueueTable.
   */
  releasedBy = 0;
  endedToken = 0;

  constructor(readonly key: string) {}

  get head(): QueueEntry | undefined {
    return this.entries.first;
  }

  /** How many entries are in the queue. */
  get count(): number {
    return this.entries.size;
  }

  get isEmpty(): boolean {
    return this.count + this.aside === 0 && this.attempt === undefined;
  }

  /** The next lease is to have about as many tokens as the last one has used. */
  adaptTokenBlock({ grantsMade: used, tokensLeft }: Lease): void {
    const size = used + tokensLeft;
    if (used === size && size >= this.tokenBlock) this.tokenBlock = Math.min(4 * size, LARGEST_TOKEN_BLOCK);
    else if (used < size / 4) this.tokenBlock = Math.max(size / 4, SMALLEST_TOKEN_BLOCK);
  }

  join(entry: QueueEntry): void {
    this.entries.add(entry);
  }

  leave(entry: QueueEntry): void {
    if (entry.aside) this.aside -= 1;
    else this.entries.remove(entry);
  }

  /** Lets the waiters behind `entry` pass, until it comes back. */
  stepAside(entry: QueueEntry): void {
    if (entry.aside) return;
    this.entries.remove(entry);
    entry.aside = true;
    this.aside += 1;
  }

  /** `entry` comes before all that joined later, but behind a head for which the store is being asked. */
  comeBack(entry: QueueEntry, isHeadServed: boolean): void {
    if (!entry.aside) return;
    entry.aside = false;
    this.aside -= 1;
    let before = isHeadServed ? this.head : undefined;
    let after = before ? before.next : this.head;
    while (after && after.waiter.order < entry.waiter.order) {
      before = after;
      after = after.next;
    }
    this.entries.insert(entry, before);
  }
}

/** The queues of all keys that this process holds or waits for; other keys have none. */
export class QueueTable {
  private readonly queues = new KeyMap<KeyQueue>();

  /** How many releases by key there have been. */
  private releases = 0;

  get(key: string): KeyQueue | undefined {
    return this.queues.get(key);
  }

  /** The queue of `key`; a new one is to be given something at once. */
  open(key: string): KeyQueue {
    let queue = this.queues.get(key);
    if (!queue) {
      queue = new KeyQueue(key);
      this.queues.set(key, queue);
    }
    return queue;
  }

  /** `attempt` is for the queue of its first key. */
  begin(attempt: AcquireAttempt): void {
    this.open(attempt.content.keys[0] ?? '').attempt = attempt;
  }

  /** `attempt` is over. */
  end(attempt: AcquireAttempt): void {
    const queue = this.queues.get(attempt.content.keys[0] ?? '');
    if (queue?.attempt === attempt) queue.attempt = undefined;
  }

  /** The store frees `keys`, whatever it has granted until now. */
  noteReleased(keys: readonly string[]): void {
    this.releases += 1;
    for (const key of keys) {
      const queue = this.queues.get(key);
      if (queue) queue.releasedBy = this.releases;
    }
  }

  get lastRelease(): number {
    return this.releases;
  }

  /** Whether a grant of `keys` with `tokens`, asked for after the release `lastRelease`, is over. */
  hasEnded(keys: readonly string[], tokens: readonly number[], lastRelease: number): boolean {
    return keys.some((key, index) => {
      const queue = this.queues.get(key);
      return queue !== undefined && (queue.releasedBy > lastRelease || queue.endedToken > (tokens[index] ?? 0));
    });
  }

  /** Forgets a queue that is not in use. */
  tidy(queue: KeyQueue): void {
    if (queue.isEmpty && this.queues.get(queue.key) === queue) this.queues.delete(queue.key);
  }

  /** How many wait for `key` here. */
  waiting(key: string): number {
    const queue = this.queues.get(key);
    return queue ? queue.count + queue.aside : 0;
  }

  waiters(): Set<Waiter> {
    const waiters = new Set<Waiter>();
    for (const queue of this.queues.values()) {
      for (const { waiter } of queue.entries) waiters.add(waiter);
    }
    return waiters;
  }
}
