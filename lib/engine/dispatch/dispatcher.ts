import type { Acquired, AcquireAttempt, AttemptOwner } from '../acquire/acquire-attempt.js';
import type { Acquirer } from '../acquire/acquirer.js';
import type { LeaseTable } from '../hold/lease-table.js';
import { Lease, type Grant } from '../hold/lease.js';
import type { Releaser } from '../hold/releaser.js';
import type { Renewer } from '../hold/renewer.js';
import { canShare, type CallOptions } from '../options/call-options.js';
import { RESERVED_KEY_PREFIX } from '../options/lock-keys.js';
import { AbortListeners } from '../runtime/abort-listeners.js';
import type { Clock } from '../runtime/clock.js';
import { nextTick } from '../runtime/real-queues.js';
import { STORE_ANSWER_TIMEOUT, type StoreCalls } from '../store/store-calls.js';
import { Deadlines } from '../wait/deadlines.js';
import { NestedWaits } from '../wait/nested-waits.js';
import { QueueEntry, type KeyQueue, type QueueTable, type Waiter } from '../wait/queue.js';
import { deadlockOf, queueFullFor, timeoutOf } from '../wait/refusals.js';
import type { HeldKeyPolls } from './held-key-polls.js';
import type { LocalHandOff } from './local-hand-off.js';
import { SoloWaiter, type SoloHost } from './solo-waiter.js';

/**
 * Decides the next step for a key. All callers wait in the queues of this process, first come first served; only the
 * first one goes to the store. After each change of a key, {@link advance} does what the first waiter needs next.
 */
export class Dispatcher implements AttemptOwner, SoloHost {
  private readonly deadlines: Deadlines;
  private readonly aborts = new AbortListeners();
  private readonly nested: NestedWaits;

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
    private readonly releaser: Releaser,
    private readonly renewer: Renewer,
    private readonly heldKeys: HeldKeyPolls,
    private readonly calls: StoreCalls,
    private readonly clock: Clock,
    private readonly gap: number,
    private readonly onRefused: (waiter: Waiter, error: unknown) => void,
  ) {
    this.nested = new NestedWaits(leases);
    this.deadlines = new Deadlines(clock, (waiter) => {
      this.timeOut(waiter);
    });
  }

  join(waiter: Waiter): void {
    const { keys, options } = waiter;
    if (options.maxWaiters !== Infinity && options.timeout > 0) {
      waiter.crowded = this.findCrowded(waiter);
      // A named owner may hold the keys already.
      if (waiter.crowded !== undefined && options.ownerId === undefined) {
        this.refuseCrowded(waiter, waiter.crowded);
        return;
      }
    }
    waiter.order = this.joined += 1;
    waiter.entries = keys.map((key) => this.enter(waiter, key));
    if (keys.length > 1) waiter.group = this.enter(waiter, groupOf(keys));
    waiter.deadline = this.clock.now() + options.timeout;
    // Until the first answer, or the error that there is none, a longer wait cannot end.
    if (options.timeout > 0 && (options.timeout < STORE_ANSWER_TIMEOUT || !waiter.isFirst)) this.deadlines.add(waiter);
    if (options.signal) this.endOn(options.signal, waiter);
    if (waiter instanceof SoloWaiter) waiter.go();
    else this.begin(waiter);
    // A call that is not reentrant may be meant to run after the job around it, which then does not wait for it.
    if (waiter.around && options.reentrant && options.timeout > 0 && !waiter.done) this.refuseInCircle(waiter);
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
    this.tidy(queue);
  }

  /** Hands what `grant` has held until now to the next waiter here, without the store, if that may be. */
  tryHandOff(grant: Grant): boolean {
    const [lease] = grant.leases;
    if (!lease?.shared) return false;
    const queue = this.queues.get(lease.key);
    const next = queue?.head?.waiter;
    if (!queue || !next || next instanceof SoloWaiter) return false;
    const verdict = this.handOff.judge(lease, next);
    if (verdict === 'no') {
      queue.adaptTokenBlock(lease);
      if (lease.token < lease.lastToken) queue.isGivingWay = true;
      return false;
    }
    this.handOff.end(grant, lease);
    if (verdict === 'now') this.finish(next, this.handOff.grant(lease, next, grant));
    else {
      this.renewer.unwatch(grant);
      this.renew(lease, queue);
    }
    return true;
  }

  /** Ends a wait with the lock. */
  finish(waiter: Waiter, grant: Grant): void {
    this.leave(waiter);
    if (waiter.hasWaitedHere) this.deliverNext(waiter, grant);
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

  /** Ends a wait that has lasted long enough. */
  timeOut(waiter: Waiter): void {
    this.end(waiter, timeoutOf(waiter, this.calls, this.leases));
  }

  /** Ends a wait that was not to begin. */
  refuseCrowded(waiter: Waiter, key: string): void {
    this.end(waiter, queueFullFor(waiter, key));
  }

  /** Behind another waiter or a holder in this process. */
  waitHere(waiter: Waiter, queue: KeyQueue): void {
    waiter.hasWaitedHere = true;
    if (waiter.options.timeout === 0) this.timeOut(waiter);
    else {
      this.deadlines.add(waiter);
      this.heldKeys.attend(queue);
      this.acquirer.listen();
    }
  }

  /** Behind another process: the store has said so. */
  noteAnswer(waiter: Waiter, inTheWay?: string): void {
    waiter.answered = true;
    waiter.inTheWay = inTheWay;
    waiter.failure = undefined;
    if (waiter.options.timeout > 0) this.deadlines.add(waiter);
  }

  ended(attempt: AcquireAttempt): void {
    this.queues.end(attempt);
  }

  acquired({ content, request }: AcquireAttempt, { tokens: [token = 0], contended, deadline, now }: Acquired): void {
    const [key = ''] = content.keys;
    const { ownerId, attemptId, ttl, tokens = 1 } = content;
    const lease = new Lease(key, ownerId, attemptId, token - 1, token - 1 + tokens, ttl, deadline, true);
    this.leases.add(lease, request.unsettled ? request : undefined);
    // Without wake-ups the holder cannot know about other processes, so it assumes that one waits.
    if (contended || !this.acquirer.canQueue) this.handOff.noteContended(lease, now);
    this.advance(this.queues.open(key));
  }

  refused(attempt: AcquireAttempt, key: string): void {
    const waiter = this.firstFor(attempt);
    if (!waiter) return;
    this.noteAnswer(waiter, key);
    if (attempt.once) this.timeOut(waiter);
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
      this.timeOut(waiter);
      return;
    }
    if (waiter) this.deadlines.add(waiter);
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
    else if (waiter.options.timeout === 0) this.timeOut(waiter);
    // A token for each.
    else if (queue.attempt && queue.attempt.only === undefined) queue.attempt.request.setTokens(queue.tokenBlock);
  }

  private step(queue: KeyQueue): void {
    const waiter = queue.head?.waiter;
    const lease = this.leases.get(queue.key);
    if (!waiter) this.leaveKey(queue, lease);
    else if (waiter instanceof SoloWaiter) this.stepSolo(waiter, queue, lease);
    else if (!lease) this.acquireFor(waiter, queue);
    else if (lease.isIdle) this.grantNext(lease, waiter, queue);
    else this.waitHere(waiter, queue);
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

  private grantNext(lease: Lease, waiter: Waiter, queue: KeyQueue): void {
    const verdict = this.handOff.judge(lease, waiter);
    if (verdict === 'now') this.finish(waiter, this.handOff.grant(lease, waiter, undefined));
    else if (verdict === 'renewed') {
      if (waiter.options.timeout > 0) this.deadlines.add(waiter);
      this.renew(lease, queue);
    } else {
      this.releaser.releaseIdle(lease);
      this.acquireFor(waiter, queue);
    }
  }

  private renew(lease: Lease, queue: KeyQueue): void {
    this.handOff.renew(lease, (error) => {
      if (error !== undefined) this.releaser.releaseIdle(lease);
      this.advance(queue);
    });
  }

  /** No waiter is left. */
  private leaveKey(queue: KeyQueue, lease: Lease | undefined): void {
    queue.attempt?.cancel();
    if (lease?.isIdle) this.releaser.releaseIdle(lease);
    this.heldKeys.leave(queue);
    this.tidy(queue);
  }

  /** Forgets a queue that is not in use. */
  private tidy(queue: KeyQueue): void {
    if (queue.isEmpty) this.queues.delete(queue);
  }

  private leave(waiter: Waiter): void {
    waiter.done = true;
    if (waiter.around) this.nested.delete(waiter);
    this.deadlines.remove(waiter);
    waiter.stopListening?.();
    for (const entry of waiter.entries) entry.queue.leave(entry);
    waiter.group?.queue.leave(waiter.group);
  }

  private advanceAll({ entries, group }: Waiter): void {
    for (const { queue } of entries) this.advance(queue);
    if (group) this.advance(group.queue);
  }

  /** The previous holder goes on first: the `await` of its call ends before the next job starts. */
  private deliverNext(waiter: Waiter, grant: Grant): void {
    const { signal } = waiter.options;
    nextTick(() => {
      if (!signal?.aborted) waiter.onGranted(grant);
      else {
        waiter.onFailed(signal.reason);
        this.releaser.cancel(grant);
      }
    });
  }

  private endOn(signal: AbortSignal, waiter: Waiter): void {
    waiter.stopListening = this.aborts.listen(signal, () => {
      this.end(waiter, signal.reason);
    });
  }

  private refuseInCircle(waiter: Waiter): void {
    const circle = this.nested.add(waiter);
    if (circle) this.end(waiter, deadlockOf(waiter, circle));
  }

  /** The key for which more wait than `waiter` accepts. */
  private findCrowded({ keys, options: { maxWaiters } }: Waiter): string | undefined {
    const crowded = keys.find((key) => this.waitingFor(key) >= maxWaiters);
    if (crowded !== undefined || keys.length === 1) return crowded;
    return this.waitingFor(groupOf(keys)) >= maxWaiters ? keys[0] : undefined;
  }

  /** All but the first, as long as the store has not said that the key is held: it may be on its way to a free key. */
  private waitingFor(key: string): number {
    const { head, count = 0 } = this.queues.get(key) ?? {};
    if (!head) return 0;
    return head.waiter.answered || (this.leases.get(key)?.grants.length ?? 0) > 0 ? count : count - 1;
  }
}

/** Callers of the same several keys wait in a queue of their own, of which the first competes for the keys. */
function groupOf(keys: readonly string[]): string {
  return RESERVED_KEY_PREFIX + JSON.stringify(keys);
}

/** How `options` are waited for: sharing the leases of this process, or for a lease of the caller's own. */
export function isSolo(keys: readonly string[], options: CallOptions): boolean {
  return keys.length > 1 || !canShare(options);
}
