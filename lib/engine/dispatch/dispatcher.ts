import { Aborts } from '../runtime/aborts.js';
import { canShare } from '../options/call-options.js';
import { Deadlines } from '../wait/deadlines.js';
import type { EngineParts } from '../engine-parts.js';
import { SoloAcquire } from './solo-acquire.js';
import type { Grant } from '../hold/grant.js';
import { Lease } from '../hold/lease.js';
import { QueueEntry, type Queue } from '../wait/queue.js';
import { RESERVED_KEY_PREFIX } from '../options/lock-keys.js';
import { NestedWaits } from '../wait/nested-waits.js';
import { nextTick } from '../runtime/real-queues.js';
import { deadlockOf, queueFullFor, refusalOf } from '../wait/refusals.js';
import { STORE_ANSWER_TIMEOUT } from '../store/store-calls.js';
import type { Found, AcquireAttempt, AttemptOwner } from '../acquire/acquire-attempt.js';
import type { Waiter } from '../wait/waiter.js';

/**
 * Whose turn it is. Everybody waits in the lines of this process, first come first served; only whoever is first goes
 * to the store. Whatever happens to a key, {@link look} does what the first in its line needs next.
 */
export class Dispatcher implements AttemptOwner {
  private readonly deadlines: Deadlines;
  private readonly aborts = new Aborts();
  private readonly nested: NestedWaits;

  /** How many waiters have joined so far. */
  private joined = 0;

  /** Lines to look at after the one that is being looked at. */
  private toLookAt: Queue[] = [];
  private isLooking = false;

  constructor(private readonly parts: EngineParts) {
    this.nested = new NestedWaits(parts.lines);
    this.deadlines = new Deadlines(parts.clock, (waiter) => {
      this.refuse(waiter);
    });
  }

  join(waiter: Waiter): void {
    const { keys, options } = waiter;
    if (options.maxWaiters !== Infinity && options.timeout > 0) {
      waiter.tooLong = this.findTooLong(waiter);
      // An owner may hold the keys already.
      if (waiter.tooLong && options.ownerId === undefined) {
        this.turnAway(waiter, waiter.tooLong);
        return;
      }
    }
    waiter.order = this.joined += 1;
    for (const key of keys) {
      const place = new QueueEntry(waiter, this.parts.lines.open(key));
      waiter.places.push(place);
      place.line.join(place);
    }
    if (keys.length > 1) {
      waiter.group = new QueueEntry(waiter, this.parts.lines.open(groupOf(keys)));
      waiter.group.line.join(waiter.group);
    }
    waiter.deadline = this.parts.clock.now() + options.timeout;
    // Until the first answer, or the error that there is none, a longer wait cannot end.
    if (options.timeout > 0 && (options.timeout < STORE_ANSWER_TIMEOUT || !waiter.isFirst)) this.deadlines.add(waiter);
    if (options.signal) this.endOn(options.signal, waiter);
    if (keys.length > 1 || !canShare(options)) waiter.errand = new SoloAcquire(this.parts, this, waiter);
    if (waiter.errand) waiter.errand.go();
    else this.joinCohort(waiter);
    // A call that is not reentrant may be meant to run after the job around it, which then does not wait for it.
    if (waiter.around && options.reentrant && options.timeout > 0 && !waiter.done) this.refuseInCircle(waiter);
  }

  /**
   * Does what the first in line needs. What follows from that in other lines comes after it: inside it, thousands of
   * callers of several keys that step aside one after another would exhaust the stack.
   */
  look(line: Queue): void {
    if (this.isLooking) {
      this.toLookAt.push(line);
      return;
    }
    this.isLooking = true;
    try {
      this.lookNow(line);
      for (const next of this.toLookAt) this.lookNow(next);
    } finally {
      if (this.toLookAt.length > 0) this.toLookAt = [];
      this.isLooking = false;
    }
  }

  private lookNow(line: Queue): void {
    const waiter = line.head?.waiter;
    if (!waiter) this.retire(line);
    else if (waiter.errand) this.lookFor(waiter.errand, line);
    else if (!line.lease) this.seekFor(waiter, line);
    else if (line.lease.grants.length > 0 || line.lease.renewing) this.waitHere(waiter, line);
    else this.handOn(line.lease, waiter, line);
  }

  /** Hands what `grant` has held until now to the next in line here, without the store, if that may be. */
  handOver(grant: Grant): boolean {
    const { lines, cohort, keeper } = this.parts;
    const [lease] = grant.leases;
    if (!lease?.shared) return false;
    const line = lines.get(lease.key);
    const next = line?.head?.waiter;
    if (!line || !next || next.errand) return false;
    const verdict = cohort.judge(lease, next);
    if (verdict === 'no') {
      line.adaptTokenBlock(lease);
      if (lease.token < lease.lastToken) line.isGivingWay = true;
      return false;
    }
    lease.grants.length = 0;
    grant.leases = [];
    grant.close();
    if (verdict === 'now') this.finish(next, cohort.grant(lease, next, grant));
    else {
      keeper.unwatch(grant);
      cohort.renew(lease);
    }
    return true;
  }

  /** Ends a wait with the lock. */
  finish(waiter: Waiter, grant: Grant): void {
    this.leave(waiter);
    if (waiter.hasWaitedHere) this.deliverNext(waiter, grant);
    else waiter.outcome.granted(grant);
    for (const { line } of waiter.places) this.look(line);
    if (waiter.group) this.look(waiter.group.line);
  }

  /** Ends a wait without the lock. */
  end(waiter: Waiter, error: unknown): void {
    if (waiter.done) return;
    this.leave(waiter);
    waiter.errand?.giveUp();
    waiter.outcome.failed(error);
    for (const { line } of waiter.places) {
      if (!waiter.errand && line.seek?.waiter === waiter) this.parts.seeker.abandon(line.seek);
      this.look(line);
    }
    if (waiter.group) this.look(waiter.group.line);
  }

  /** Ends a wait that has lasted long enough. */
  refuse(waiter: Waiter): void {
    this.end(waiter, refusalOf(waiter, this.parts));
  }

  /** Ends a wait that was not to begin. */
  turnAway(waiter: Waiter, { key }: Queue): void {
    this.end(waiter, queueFullFor(waiter, key));
  }

  found(seek: AcquireAttempt, { tokens: [token = 0], wanted, deadline }: Found): void {
    const { line, request } = seek;
    const { ownerId, attemptId, ttl, tokens = 1 } = request;
    const lease = new Lease(line.key, ownerId, attemptId, token - 1, token - 1 + tokens, ttl, deadline, true);
    if (seek.unsettled) lease.seek = seek;
    this.parts.leases.place(lease);
    // Who does not hear of others has to reckon with them.
    if (wanted || !this.parts.seeker.canQueue) this.parts.cohort.noteWanted(lease);
    this.look(line);
  }

  refused({ line, once }: AcquireAttempt): void {
    const waiter = line.head?.waiter;
    if (!waiter) return;
    this.noteAnswer(waiter);
    if (once) this.refuse(waiter);
  }

  /** Who is already in line rides out a short fault; a newcomer is told at once. */
  ridesOut({ line }: AcquireAttempt, error: unknown): boolean {
    const waiter = line.head?.waiter;
    if (!waiter?.answered) return false;
    waiter.failure = error;
    return true;
  }

  failed({ line }: AcquireAttempt, error: unknown): void {
    const waiter = line.head?.waiter;
    if (waiter) this.end(waiter, error);
    else this.look(line);
  }

  late({ line, once }: AcquireAttempt): void {
    const waiter = line.head?.waiter;
    if (once && waiter) this.refuse(waiter);
    else {
      if (waiter) this.deadlines.add(waiter);
      this.look(line);
    }
  }

  private findTooLong({ keys, options: { maxWaiters } }: Waiter): Queue | undefined {
    const { lines } = this.parts;
    for (const key of keys) {
      const line = lines.get(key);
      if (line && line.waiting >= maxWaiters) return line;
    }
    if (keys.length === 1) return undefined;
    const group = lines.get(groupOf(keys));
    return group && group.waiting >= maxWaiters ? lines.get(keys[0] ?? '') : undefined;
  }

  private joinCohort(waiter: Waiter): void {
    const [{ line, previous }] = waiter.places as [QueueEntry];
    waiter.hasWaitedHere = previous !== undefined;
    if (!previous) this.look(line);
    else if (waiter.options.timeout === 0) this.refuse(waiter);
    else this.parts.cohort.noteCompany(line);
  }

  private lookFor(errand: SoloAcquire, line: Queue): void {
    const { seek, lease } = line;
    // What was sought for those who stood before it, and what they had: it may have to wait elsewhere for long.
    if (seek && !errand.owns(seek)) this.parts.seeker.abandon(seek);
    if (lease?.isIdle) void this.parts.releases.giveBack(lease);
    errand.go();
  }

  private seekFor(waiter: Waiter, line: Queue): void {
    const { seek } = line;
    if (seek?.waiter === waiter || seek?.suits(waiter)) {
      if (seek.refused) waiter.answered = true;
      return;
    }
    if (seek) this.parts.seeker.abandon(seek);
    const { provider, settings } = this.parts;
    const tokens = line.count > 1 ? line.tokenBlock : 1;
    // Without lines in the store, a gap is all that gives other processes a chance.
    const after = line.isGivingWay && !provider.listen ? settings.backoff.initial : 0;
    line.isGivingWay = false;
    const own = waiter.options.timeout === 0 ? waiter : undefined;
    this.parts.seeker.start({
      line,
      keys: waiter.keys,
      ttl: waiter.options.ttl,
      owner: this,
      waiter: own,
      tokens,
      after,
    });
  }

  /** Behind somebody in this process. */
  waitHere(waiter: Waiter, line: Queue): void {
    waiter.hasWaitedHere = true;
    if (waiter.options.timeout === 0) this.refuse(waiter);
    else {
      this.deadlines.add(waiter);
      this.parts.seeker.attend(line);
    }
  }

  /** Behind somebody elsewhere: the store has said so. */
  noteAnswer(waiter: Waiter): void {
    waiter.answered = true;
    waiter.failure = undefined;
    if (waiter.options.timeout > 0) this.deadlines.add(waiter);
  }

  private handOn(lease: Lease, waiter: Waiter, line: Queue): void {
    const verdict = this.parts.cohort.judge(lease, waiter);
    if (verdict === 'now') this.finish(waiter, this.parts.cohort.grant(lease, waiter, undefined));
    else if (verdict === 'renewed') {
      if (waiter.options.timeout > 0) this.deadlines.add(waiter);
      this.parts.cohort.renew(lease);
    } else {
      void this.parts.releases.giveBack(lease);
      this.seekFor(waiter, line);
    }
  }

  /** Nobody waits any more. */
  private retire(line: Queue): void {
    const { seek, lease } = line;
    if (seek) this.parts.seeker.abandon(seek);
    if (lease?.isIdle) void this.parts.releases.giveBack(lease);
    this.parts.seeker.leave(line);
    this.parts.lines.tidy(line);
  }

  private refuseInCircle(waiter: Waiter): void {
    const circle = this.nested.add(waiter);
    if (circle) this.end(waiter, deadlockOf(waiter, circle));
  }

  private leave(waiter: Waiter): void {
    waiter.done = true;
    if (waiter.around) this.nested.delete(waiter);
    this.deadlines.remove(waiter);
    waiter.stopListening?.();
    for (const place of waiter.places) place.line.leave(place);
    waiter.group?.line.leave(waiter.group);
  }

  /** Whoever had the lock before goes on first, with all that follows from the end of that. */
  private deliverNext({ outcome, options: { signal } }: Waiter, grant: Grant): void {
    nextTick(() => {
      if (!signal?.aborted) outcome.granted(grant);
      else {
        outcome.failed(signal.reason);
        this.parts.releases.cancel(grant);
      }
    });
  }

  private endOn(signal: AbortSignal, waiter: Waiter): void {
    waiter.stopListening = this.aborts.listen(signal, () => {
      this.end(waiter, signal.reason);
    });
  }
}

/** Callers of the same several keys wait in a line of their own, of which the first competes for the keys. */
function groupOf(keys: readonly string[]): string {
  return RESERVED_KEY_PREFIX + JSON.stringify(keys);
}
