import type { Acquired, AcquireAttempt, AttemptOwner } from '../acquire/acquire-attempt.js';
import type { Acquirer } from '../acquire/acquirer.js';
import type { LeaseExtender } from '../hold/lease-extender.js';
import type { LeaseTable } from '../hold/lease-table.js';
import { Grant } from '../hold/lease.js';
import type { Releaser } from '../hold/releaser.js';
import type { Renewer } from '../hold/renewer.js';
import type { CallOptions } from '../options/call-options.js';
import { ownerOf } from '../options/lock-names.js';
import { Alarm } from '../runtime/alarm.js';
import type { Clock } from '../runtime/clock.js';
import { localDeadline } from '../runtime/drift.js';
import type { LeaseClock } from '../runtime/lease-clock.js';
import { Patience } from '../wait/patience.js';
import type { WaitLimits } from '../wait/wait-limits.js';
import { Waiter, type KeyQueue, type QueueEntry, type QueueTable } from '../wait/queue.js';

/** A lease of a fixed length that has lost more than this part of it on the way is brought back to its full length. */
const WORN = 0.05;

/** What a solo waiter asks of the dispatcher. */
export interface SoloHost {
  advance(queue: KeyQueue): void;
  finish(waiter: Waiter, grant: Grant): void;
  end(waiter: Waiter, error: unknown): void;
  waitHere(waiter: Waiter, queue: KeyQueue): void;
}

/** What solo waiters work with. */
export interface SoloContext {
  readonly host: SoloHost;
  readonly limits: WaitLimits;
  readonly queues: QueueTable;
  readonly leases: LeaseTable;
  readonly acquirer: Acquirer;
  readonly releaser: Releaser;
  readonly renewer: Renewer;
  readonly extender: LeaseExtender;
  readonly clock: Clock;
  readonly leaseClock: LeaseClock;
  readonly nextId: () => string;
}

/**
 * Waits for leases that it shares with no other caller: of several keys, under a named owner, of a fixed length. Several
 * keys are asked for all at once. If one of them is held, it waits for that one, holding none of the others, and asks for
 * the others when it has it. A key that it has while another is missing is kept for a bounded time only
 * ({@link Patience}): see "Several keys" in docs/internals/protocol.md.
 */
export class SoloWaiter extends Waiter implements AttemptOwner {
  private readonly ownerId: string;
  private attempt?: AcquireAttempt;

  /** What it has so far. */
  private collected?: Grant;

  /** Where it waits, and since when; it has stepped aside for the other keys that it lacks. */
  private waitsAt?: QueueEntry;
  private waitsSince = 0;

  /** Only with several keys. */
  private patience?: Patience;
  private alarm?: Alarm;

  /** It has everything, and a lease is being brought back to its full length. */
  private settling = false;

  /** What it does next is being decided; others are told only after. */
  private deciding = false;
  private left?: KeyQueue[];

  /** Where it last stood behind others and asked whether it has the key already. */
  private askedForOwnAt?: QueueEntry;

  constructor(
    keys: readonly string[],
    options: CallOptions,
    around: readonly Grant[] | undefined,
    onGranted: (grant: Grant) => void,
    onFailed: (error: unknown) => void,
    private readonly context: SoloContext,
  ) {
    super(keys, options, around, onGranted, onFailed);
    this.ownerId = options.ownerId ?? ownerOf(context.nextId(), options.label);
    if (keys.length > 1) this.patience = new Patience(context.clock.now());
  }

  /** Whether the store is being asked for some of its keys. */
  get isAsking(): boolean {
    return this.attempt !== undefined;
  }

  /** Does what can be done now. */
  go(): void {
    if (this.done || this.attempt || this.settling || this.deciding) return;
    this.deciding = true;
    this.decide();
    this.deciding = false;
    this.letPass();
  }

  /** The wait is over without the lock. */
  cancel(): void {
    const { attempt, collected } = this;
    this.collected = undefined;
    this.alarm?.clear();
    attempt?.cancel();
    if (collected) this.context.releaser.cancel(collected);
  }

  ended(attempt: AcquireAttempt): void {
    if (this.attempt === attempt) this.attempt = undefined;
    this.context.queues.end(attempt);
  }

  acquired({ content, request }: AcquireAttempt, { tokens, reentered, deadline }: Acquired): void {
    const { leases, renewer } = this.context;
    const { keys, attemptId } = content;
    const grant = (this.collected ??= this.newGrant());
    const source = request.unsettled ? request : undefined;
    keys.forEach((key, index) => {
      const isReentered = reentered[index] ?? false;
      leases.grant(grant, key, { token: tokens[index] ?? 0, reentered: isReentered, attemptId, deadline, source });
    });
    if (!renewer.isWatched(grant)) renewer.watch(grant);
    if (grant.loss) this.startOver();
    else if (grant.leases.length === this.keys.length) this.settle(grant);
    else {
      for (const key of keys) this.keep(key);
      this.go();
    }
  }

  refused({ once, content }: AcquireAttempt, inTheWay: string): void {
    this.context.limits.noteAnswer(this, inTheWay);
    if (this.options.timeout === 0) this.context.limits.timeOut(this);
    else if (once) this.go();
    else {
      if (content.keys.length > 1) this.waitForOne(inTheWay);
      else this.stayAt(this.entries.find(({ queue }) => queue.key === content.keys[0]));
      this.letPass();
    }
  }

  goesOnAfter({ once }: AcquireAttempt, error: unknown): boolean {
    if (!this.answered || once) return false;
    this.failure = error;
    return true;
  }

  failed(_: AcquireAttempt, error: unknown): void {
    this.context.host.end(this, error);
  }

  late(): void {
    if (this.options.timeout === 0) this.context.limits.timeOut(this);
    else {
      this.context.limits.noteAnswer(this);
      this.go();
    }
  }

  private decide(): void {
    const { waitsAt, group } = this;
    if (group && this.isBlocked(group)) {
      this.waitAt(group);
      return;
    }
    if (waitsAt && waitsAt === group) {
      this.waitsAt = undefined;
      this.patience = new Patience(this.context.clock.now());
    } else if (waitsAt && this.isBlocked(waitsAt)) {
      this.waitAt(waitsAt);
      return;
    }
    const wanted = this.wanted();
    for (const entry of wanted) comeBack(entry);
    const blocked = wanted.find((entry) => this.isBlocked(entry));
    if (!blocked) this.ask(wanted);
    else if (!this.takesAlone(blocked)) this.waitAt(blocked);
  }

  /** The entries of the keys that it lacks. */
  private missing(): readonly QueueEntry[] {
    const { collected, entries } = this;
    return collected ? entries.filter(({ queue }) => !collected.leaseOf(queue.key)) : entries;
  }

  /** The entries of the keys to acquire next: of all that it lacks, or of the first in order only. */
  private wanted(): readonly QueueEntry[] {
    const { collected, patience } = this;
    const missing = this.missing();
    const [first] = missing;
    if (!first || !patience?.isOrdered) return missing;
    if (this.entries[this.keys.length - missing.length] === first) {
      this.stepAside(first);
      return [first];
    }
    // What it has does not come before what it lacks.
    this.collected = undefined;
    patience.clear(this.context.clock.now());
    if (collected) this.context.releaser.cancel(collected);
    return this.wanted();
  }

  /** Whether another waiter of this process comes first, or one holds the key. */
  private isBlocked({ previous, queue }: QueueEntry): boolean {
    return previous !== undefined || this.context.leases.isInTheWay(queue.key, this.ownerId);
  }

  private ask(entries: readonly QueueEntry[]): void {
    const keys = entries.map(({ queue }) => queue.key);
    for (const key of keys) {
      const lease = this.context.leases.get(key);
      if (lease?.isIdle && lease.ownerId !== this.ownerId) this.context.releaser.releaseIdle(lease);
    }
    // What it has is kept until that is answered: to step aside in a queue now would cancel the attempt there.
    this.alarm?.clear();
    if (keys.length > 0) this.start(keys, this.options.onlyIfOwned === true);
  }

  /**
   * The key that it has waited for is there, but `blocked` is not. Takes the one that is there, if it is to be kept;
   * whether it does.
   */
  private takesAlone(blocked: QueueEntry): boolean {
    const { patience, waitsAt } = this;
    if (!patience || patience.isOrdered || !waitsAt || waitsAt === blocked) return false;
    const waited = this.context.clock.now() - this.waitsSince;
    if (!patience.isWorthwhile(waitsAt.queue.key, waited, blocked.queue.key)) {
      patience.noteRelease();
      return false;
    }
    this.stepAside(waitsAt);
    this.ask([waitsAt]);
    return true;
  }

  /** Not all at once, but the key that was in the way first. */
  private waitForOne(key: string | undefined): void {
    this.attempt?.cancel();
    const missing = this.missing();
    const entry = missing.find(({ queue }) => queue.key === key) ?? missing[0];
    if (!entry) return;
    if (this.isBlocked(entry)) {
      this.waitAt(entry);
      return;
    }
    this.stayAt(entry);
    this.start([entry.queue.key], false);
  }

  /** Behind others, or behind a holder of this process. */
  private waitAt(entry: QueueEntry): void {
    this.stayAt(entry);
    if (this.done) return;
    if (entry.previous) this.waitInQueue(entry);
    else this.context.host.waitHere(this, entry.queue);
  }

  /** Behind others; an owner may pass those who wait for what it holds itself. */
  private waitInQueue(entry: QueueEntry): void {
    const { options, crowded } = this;
    this.hasWaitedHere = true;
    if (options.ownerId !== undefined && this.askedForOwnAt !== entry) {
      const entries = this.askedForOwnAt ? [entry] : this.missing();
      this.askedForOwnAt = entry;
      this.start(
        entries.map(({ queue }) => queue.key),
        true,
      );
    } else if (options.timeout === 0) this.context.limits.timeOut(this);
    else if (crowded !== undefined) this.context.limits.queueFull(this, crowded);
  }

  /** Waits for the key of `entry` alone from now on. What it has already is kept for a while. */
  private stayAt(entry: QueueEntry | undefined): void {
    if (!entry || !this.patience) return;
    if (this.waitsAt !== entry) {
      this.waitsAt = entry;
      this.waitsSince = this.context.clock.now();
    }
    this.stepAside(entry);
    this.releaseInTime();
  }

  private stepAside(from: QueueEntry): void {
    if (!this.patience) return;
    for (const entry of this.missing()) {
      if (entry === from || entry.aside) continue;
      entry.queue.stepAside(entry);
      (this.left ??= []).push(entry.queue);
      if (entry === this.waitsAt) this.waitsAt = undefined;
    }
  }

  /** Those behind it, where it has stepped aside. */
  private letPass(): void {
    const { left } = this;
    this.left = undefined;
    if (left) for (const queue of left) this.context.host.advance(queue);
  }

  /** Notes for how long `key`, which has come now, was waited for. */
  private keep(key: string): void {
    const { patience, waitsAt, waitsSince } = this;
    const now = this.context.clock.now();
    const isAwaited = waitsAt?.queue.key === key;
    patience?.note(key, isAwaited ? now - waitsSince : 0, now);
    if (isAwaited) this.waitsAt = undefined;
  }

  /** Releases the keys whose time is over, and sees to those whose time will be. */
  private releaseInTime(): void {
    const { patience, collected, waitsAt } = this;
    const { clock, releaser } = this.context;
    this.alarm?.clear();
    if (!patience || !collected || !waitsAt || this.done) return;
    const awaited = waitsAt.queue.key;
    const over = patience.takeOver(awaited, clock.now());
    if (over.length > 0) {
      releaser.cancelKeys(collected, over);
      if (collected.leases.length === 0) this.collected = undefined;
      this.stepAside(waitsAt);
    }
    const now = clock.now();
    const next = patience.next(awaited, now);
    if (next >= this.deadline) return;
    this.alarm ??= new Alarm(clock, this.onAlarm, false);
    this.alarm.set(next, now);
  }

  private readonly onAlarm = (): void => {
    this.releaseInTime();
    this.letPass();
  };

  private start(keys: readonly string[], onlyIfOwned: boolean): void {
    const { options, ownerId } = this;
    const { acquirer, queues } = this.context;
    const { ttl, timeout } = options;
    const named = options.ownerId !== undefined;
    this.attempt = acquirer.start({
      keys,
      ttl,
      owner: this,
      ownerId,
      only: this,
      once: timeout === 0,
      named,
      onlyIfOwned,
    });
    if (!onlyIfOwned) queues.begin(this.attempt);
  }

  /** Everything is there: a lease whose length is fixed is to begin now. */
  private settle(grant: Grant): void {
    const { extender, clock, leaseClock } = this.context;
    const { ttl, renew, maxHold } = this.options;
    this.alarm?.clear();
    grant.setRenewal(renew && ttl !== null ? clock.now() + maxHold : 0);
    if (ttl === null || renew || grant.deadline >= localDeadline(leaseClock.now(), ttl) - ttl * WORN) {
      this.finish(grant);
      return;
    }
    this.settling = true;
    // After an error, what the lease has left is good for so long, all the same.
    const settled = (): void => {
      if (this.done) return;
      this.settling = false;
      if (grant.held) this.finish(grant);
      else this.startOver();
    };
    extender.extend(this.keys, this.ownerId, ttl, { answered: settled, failed: settled });
  }

  private finish(grant: Grant): void {
    this.collected = undefined;
    this.context.host.finish(this, grant);
  }

  /** A part was lost while the others were being acquired. */
  private startOver(): void {
    const { collected } = this;
    this.collected = undefined;
    this.patience?.clear(this.context.clock.now());
    if (collected) this.context.releaser.cancel(collected);
    this.go();
  }

  private newGrant(): Grant {
    const tokens = this.keys.map(() => 0);
    const grant = new Grant(this.keys, this.ownerId, tokens, this.options, this.context.leaseClock);
    // For as long as the others take; see `settle`.
    grant.setRenewal(this.options.ttl === null ? 0 : Infinity);
    return grant;
  }
}

/** Behind a head for which the store is being asked. */
function comeBack(entry: QueueEntry): void {
  const { attempt, head } = entry.queue;
  entry.queue.comeBack(entry, attempt !== undefined || (head?.waiter instanceof SoloWaiter && head.waiter.isAsking));
}
