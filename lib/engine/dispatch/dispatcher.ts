import type { Acquired, AcquireAttempt, AttemptOwner } from '../acquire/acquire-attempt.js';
import type { Acquirer } from '../acquire/acquirer.js';
import type { LeaseTable } from '../hold/lease-table.js';
import { Lease, type Grant } from '../hold/lease.js';
import type { Releaser } from '../hold/releaser.js';
import { nextTick } from '../runtime/real-queues.js';
import { QueueEntry, type KeyQueue, type QueueTable, type Waiter } from '../wait/queue.js';
import { groupOf, type WaitLimits } from '../wait/wait-limits.js';
import type { HeldKeyPolls } from './held-key-polls.js';
import type { HandOffHost, LocalHandOff } from './local-hand-off.js';
import { SoloWaiter, type SoloHost } from './solo-waiter.js';

/**
 * Decides the next step for a key. All callers wait in the queues of this process, first come first served; only the
 * first one goes to the store. After each change of a key, {@link advance} does what the first waiter needs next.
 */
export class Dispatcher implements AttemptOwner, HandOffHost, SoloHost {
  /** How many waiters have joined so far. */
  private joined = 0;

  /** Queues to advance after the one that is being advanced. */
  private next: KeyQueue[] = [];
  private isAdvancing = false;

  /** @param gap - for how many milliseconds a store without queues leaves a key to other processes */
  constructor(
    private readonly queues: QueueTable,
    private readonly leases: LeaseTable,
    private readonly acquirer: Acquirer,
    private readonly handOff: LocalHandOff,
    private readonly limits: WaitLimits,
    private readonly releaser: Releaser,
    private readonly heldKeys: HeldKeyPolls,
    private readonly gap: number,
    private readonly onRefused: (waiter: Waiter, error: unknown) => void,
  ) {}

  join(waiter: Waiter): void {
    if (this.limits.refuseCrowded(waiter)) return;
    const { keys } = waiter;
    waiter.order = this.joined += 1;
    waiter.entries = keys.map((key) => this.enter(waiter, key));
    if (keys.length > 1) waiter.group = this.enter(waiter, groupOf(keys));
    this.limits.begin(waiter);
    if (waiter instanceof SoloWaiter) waiter.go();
    else this.begin(waiter);
    this.limits.refuseInCircle(waiter);
  }

  /**
   * Does what the first waiter needs. What follows from that in other queues comes after it: inside it, thousands of
   * callers of several keys that step aside one after another would exhaust the stack.
   */
  advance(queue: KeyQueue): void {
    if (this.isAdvancing) {
      this.next.push(queue);
      return;
    }
    this.isAdvancing = true;
    try {
      this.step(queue);
      for (const next of this.next) this.step(next);
    } finally {
      if (this.next.length > 0) this.next = [];
      this.isAdvancing = false;
    }
  }

  advanceKeys(keys: readonly string[]): void {
    for (const key of keys) {
      const queue = this.queues.get(key);
      if (queue) this.advance(queue);
    }
  }

  /** This process has `lease` no more. */
  noteEnd({ key, token }: Lease): void {
    const queue = this.queues.get(key);
    if (!queue) return;
    queue.endedToken = token;
    this.queues.tidy(queue);
  }

  /** Ends a wait with the lock. */
  finish(waiter: Waiter, grant: Grant): void {
    this.leave(waiter);
    // The previous holder goes on first: the `await` of its call ends before the next job starts.
    if (waiter.hasWaitedHere) nextTick(this.deliver, waiter, grant);
    else waiter.onGranted(grant);
    this.advanceAll(waiter);
  }

  /** Ends a wait without the lock. */
  end(waiter: Waiter, error: unknown): void {
    if (waiter.done) return;
    this.leave(waiter);
    if (waiter instanceof SoloWaiter) waiter.cancel();
    this.onRefused(waiter, error);
    waiter.onFailed(error);
    this.advanceAll(waiter);
  }

  /** Ends all waits without the lock. */
  endAll(errorFor: (keys: readonly string[]) => Error): void {
    for (const waiter of this.queues.waiters()) this.end(waiter, errorFor(waiter.keys));
  }

  /** Behind another waiter or a holder in this process. */
  waitHere(waiter: Waiter, queue: KeyQueue): void {
    waiter.hasWaitedHere = true;
    if (waiter.options.timeout === 0) this.limits.timeOut(waiter);
    else {
      this.limits.watch(waiter);
      this.heldKeys.attend(queue);
      this.acquirer.listen();
    }
  }

  ended(attempt: AcquireAttempt): void {
    this.queues.end(attempt);
  }

  acquired({ content, request }: AcquireAttempt, { tokens: [token = 0], contended, deadline, now }: Acquired): void {
    const [key = ''] = content.keys;
    const { ownerId, attemptId, ttl, tokens = 1 } = content;
    const lease = new Lease(key, ownerId, attemptId, token - 1, tokens, ttl, deadline, true);
    this.leases.add(lease, request.unsettled ? request : undefined);
    // Without wake-ups the holder cannot know about other processes, so it assumes that one waits.
    if (contended || !this.acquirer.canQueue) this.handOff.noteContended(lease, now);
    this.advance(this.queues.open(key));
  }

  refused(attempt: AcquireAttempt, key: string): void {
    const waiter = this.firstFor(attempt);
    if (!waiter) return;
    this.limits.noteAnswer(waiter, key);
    if (attempt.once) this.limits.timeOut(waiter);
  }

  /** A waiter rides out a short fault; a newcomer is told at once. */
  goesOnAfter(attempt: AcquireAttempt, error: unknown): boolean {
    const waiter = this.firstFor(attempt);
    if (!waiter?.answered) return false;
    waiter.failure = error;
    return true;
  }

  failed(attempt: AcquireAttempt, error: unknown): void {
    const waiter = this.firstFor(attempt);
    if (waiter) this.end(waiter, error);
    else this.advanceKeys(attempt.content.keys);
  }

  late(attempt: AcquireAttempt): void {
    const waiter = this.firstFor(attempt);
    if (waiter && attempt.once) {
      this.limits.timeOut(waiter);
      return;
    }
    if (waiter) this.limits.watch(waiter);
    this.advanceKeys(attempt.content.keys);
  }

  private firstFor({ content }: AcquireAttempt): Waiter | undefined {
    return this.queues.get(content.keys[0] ?? '')?.head?.waiter;
  }

  private enter(waiter: Waiter, key: string): QueueEntry {
    const entry = new QueueEntry(waiter, this.queues.open(key));
    entry.queue.join(entry);
    return entry;
  }

  private begin(waiter: Waiter): void {
    const [{ queue, previous }] = waiter.entries as [QueueEntry];
    waiter.hasWaitedHere = previous !== undefined;
    if (!previous) this.advance(queue);
    else if (waiter.options.timeout === 0) this.limits.timeOut(waiter);
    // A token for each.
    else if (queue.attempt && queue.attempt.only === undefined) queue.attempt.request.setTokens(queue.tokenBlock);
  }

  private step(queue: KeyQueue): void {
    const waiter = queue.head?.waiter;
    const lease = this.leases.get(queue.key);
    if (!waiter) this.leaveKey(queue, lease);
    else if (waiter instanceof SoloWaiter) this.stepSolo(waiter, queue, lease);
    else if (!lease) this.acquireFor(waiter, queue);
    else if (!lease.isIdle) this.waitHere(waiter, queue);
    else if (!this.handOff.grantNext(lease, waiter, queue)) {
      this.releaser.releaseIdle(lease);
      this.acquireFor(waiter, queue);
    }
  }

  private stepSolo(waiter: SoloWaiter, queue: KeyQueue, lease: Lease | undefined): void {
    // These were for the waiters before it, and it may have to wait for another key for long.
    if (queue.attempt && queue.attempt.only !== waiter) queue.attempt.cancel();
    if (lease?.isIdle) this.releaser.releaseIdle(lease);
    waiter.go();
  }

  private acquireFor(waiter: Waiter, queue: KeyQueue): void {
    const { attempt } = queue;
    const { ttl, timeout, label } = waiter.options;
    if (attempt) {
      if (attempt.only === waiter || (attempt.only === undefined && attempt.content.ttl === ttl)) {
        if (attempt.isRefused) waiter.answered = true;
        return;
      }
      attempt.cancel();
    }
    const once = timeout === 0;
    const tokens = queue.count > 1 ? queue.tokenBlock : 1;
    const spec = { keys: waiter.keys, ttl, owner: this, label, only: once ? waiter : undefined, once, tokens };
    this.queues.begin(this.acquirer.start(spec, queue.isGivingWay ? this.gap : 0));
    queue.isGivingWay = false;
  }

  /** No waiter is left. */
  private leaveKey(queue: KeyQueue, lease: Lease | undefined): void {
    queue.attempt?.cancel();
    if (lease?.isIdle) this.releaser.releaseIdle(lease);
    this.heldKeys.leave(queue);
    this.queues.tidy(queue);
  }

  private leave(waiter: Waiter): void {
    waiter.done = true;
    this.limits.leave(waiter);
    for (const entry of waiter.entries) entry.queue.leave(entry);
    waiter.group?.queue.leave(waiter.group);
  }

  private advanceAll({ entries, group }: Waiter): void {
    for (const { queue } of entries) this.advance(queue);
    if (group) this.advance(group.queue);
  }

  private readonly deliver = (waiter: Waiter, grant: Grant): void => {
    const { signal } = waiter.options;
    if (!signal?.aborted) waiter.onGranted(grant);
    else {
      waiter.onFailed(signal.reason);
      this.releaser.cancel(grant);
    }
  };
}
