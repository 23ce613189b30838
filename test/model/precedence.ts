/** How long the store keeps a queue entry without heartbeats. */
const PATIENCE = 5000;

/** What this rule needs to know about a process. */
export interface Presence {
  /** Whether messages of the store reach it. */
  isThere(process: number): boolean;
  /** Since when none of its requests has failed. */
  calmSince(process: number): number;
}

/** A process that the store has put into a queue. Moments are numbers of events. */
interface QueueEntry {
  readonly process: number;
  attemptId: string;
  /** No process that joined after this moment may pass it. */
  since: number;
  /** The process may be before any other that joined after this moment. */
  readonly earliest: number;
  seenAt: number;
}

/**
 * The queues of processes, as they follow from the answers of the store. Rule: no process is passed by one that joined
 * later or not at all, unless it could not be told, or sent no heartbeats for want of a connection.
 */
export class Precedence {
  private readonly queues = new Map<string, QueueEntry[]>();
  private moment = 0;

  constructor(
    private readonly now: () => number,
    private readonly presence: Presence,
    private readonly report: (violation: string) => void,
  ) {}

  queued(process: number, key: string, attemptId: string): void {
    const since = ++this.moment;
    const queue = this.queues.get(key) ?? [];
    this.queues.set(key, queue);
    const entry = queue.find((one) => one.process === process);
    if (!entry) queue.push({ process, attemptId, since, earliest: since, seenAt: this.now() });
    else {
      // The store may have dropped it meanwhile, or not.
      if (entry.since === Infinity || this.isStale(entry)) entry.since = since;
      entry.attemptId = attemptId;
      entry.seenAt = this.now();
    }
    if (!this.presence.isThere(process)) this.interrupted(process);
  }

  /** Messages do not reach `process` from now on: the store may drop its entries for that. */
  interrupted(process: number): void {
    for (const queue of this.queues.values()) {
      for (const entry of queue) if (entry.process === process) entry.since = Infinity;
    }
  }

  dequeued(process: number, key: string, attemptId: string): void {
    this.leave(key, (entry) => entry.process === process && entry.attemptId === attemptId);
  }

  granted(process: number, key: string, attemptId: string, reentered: boolean): void {
    const moment = ++this.moment;
    if (reentered) {
      this.dequeued(process, key, attemptId);
      return;
    }
    const queue = this.queues.get(key) ?? [];
    const joinedAt = queue.find((entry) => entry.process === process)?.earliest ?? moment;
    for (const entry of queue) {
      if (entry.process === process || entry.since >= joinedAt) continue;
      if (!this.hasLapsed(entry)) {
        this.report(`ORDER: ${key} went to P${process} before P${entry.process}, at ${this.now()}`);
      }
      entry.since = Infinity;
    }
    this.leave(key, (entry) => entry.process === process);
  }

  /** Whether the store has another process than `process` in the queue of `key`. */
  othersWait(key: string, process: number): boolean {
    return (this.queues.get(key) ?? []).some(
      (entry) => entry.process !== process && entry.since !== Infinity && !this.isStale(entry),
    );
  }

  /** Whether `process` is first in the store's queue of `key`. A process that cannot be told keeps its entry there. */
  isFirst(key: string, process: number): boolean {
    return this.queues.get(key)?.find((entry) => !this.isStale(entry))?.process === process;
  }

  private hasLapsed(entry: QueueEntry): boolean {
    return this.isStale(entry) && this.presence.calmSince(entry.process) >= entry.seenAt;
  }

  private isStale({ seenAt }: QueueEntry): boolean {
    return this.now() - seenAt > PATIENCE;
  }

  private leave(key: string, matches: (entry: QueueEntry) => boolean): void {
    const rest = (this.queues.get(key) ?? []).filter((entry) => !matches(entry));
    if (rest.length > 0) this.queues.set(key, rest);
    else this.queues.delete(key);
  }
}
