import type { ClockTimer } from '../runtime/clock.js';
import { localDeadline } from '../runtime/drift.js';
import type { EngineParts } from '../engine-parts.js';
import { Grant } from '../hold/grant.js';
import type { Queue, QueueEntry } from '../wait/queue.js';
import { Patience } from '../wait/patience.js';
import type { Found, AcquireAttempt, AttemptOwner } from '../acquire/acquire-attempt.js';
import type { Dispatcher } from './dispatcher.js';
import type { Waiter } from '../wait/waiter.js';

/** A lease of a fixed length that has lost more than this part of it on the way is brought back to its full length. */
const WORN = 0.05;

/**
 * Takes leases that are one caller's own: of several keys, under a named owner, of a fixed length. Several keys are
 * asked for all at once. Where one of them is not to be had, the caller waits for that one, holding none of the others,
 * and asks for the others when it has it. A key that it has while another is missing is kept for a bounded time only
 * ({@link Patience}): see "Several keys" in ARCHITECTURE.md.
 */
export class SoloAcquire implements AttemptOwner {
  private readonly ownerId: string;
  private seek?: AcquireAttempt;

  /** What it has so far. */
  private collected?: Grant;

  /** Where it waits, and since when; it has stepped aside for the other keys that it lacks. */
  private waitsAt?: QueueEntry;
  private waitsSince = 0;

  /** Only with several keys. */
  private patience?: Patience;
  private timer?: ClockTimer;
  private settling = false;

  /** What it does next is being decided; others are told only after. */
  private deciding = false;
  private left?: Queue[];

  /** Where it last stood behind others and asked whether it has the key already. */
  private askedForOwnAt?: QueueEntry;

  constructor(
    private readonly parts: EngineParts,
    private readonly turns: Dispatcher,
    private readonly waiter: Waiter,
  ) {
    this.ownerId = waiter.options.ownerId ?? parts.nextId();
    if (waiter.keys.length > 1) this.patience = new Patience(parts.clock.now());
  }

  /** Whether the store is being asked for some of its keys. */
  get isAsking(): boolean {
    return this.seek !== undefined;
  }

  owns(seek: AcquireAttempt): boolean {
    return seek === this.seek;
  }

  /** Does what can be done now. */
  go(): void {
    if (this.waiter.done || this.seek || this.settling || this.deciding) return;
    this.deciding = true;
    this.decide();
    this.deciding = false;
    this.letPass();
  }

  private decide(): void {
    const { waitsAt, waiter } = this;
    const { group } = waiter;
    if (group && this.isBlocked(group)) {
      this.waitAt(group);
      return;
    }
    if (waitsAt && waitsAt === group) {
      this.waitsAt = undefined;
      this.patience = new Patience(this.parts.clock.now());
    } else if (waitsAt && this.isBlocked(waitsAt)) {
      this.waitAt(waitsAt);
      return;
    }
    const wanted = this.wanted();
    for (const place of wanted) place.line.comeBack(place);
    const blocked = wanted.find((place) => this.isBlocked(place));
    if (!blocked) this.ask(wanted);
    else if (!this.takesAlone(blocked)) this.waitAt(blocked);
  }

  giveUp(): void {
    const { seek, collected } = this;
    this.seek = this.collected = undefined;
    this.timer?.cancel();
    if (seek) this.parts.seeker.abandon(seek);
    if (collected) this.parts.releases.cancel(collected);
  }

  found(seek: AcquireAttempt, { tokens, reentered, deadline }: Found): void {
    this.seek = undefined;
    const { keys, attemptId } = seek.request;
    const grant = (this.collected ??= this.newGrant());
    keys.forEach((key, index) => {
      const found = { token: tokens[index] ?? 0, reentered: reentered[index] ?? false, attemptId, deadline, seek };
      this.parts.leases.grant(grant, key, found);
    });
    if (!grant.watch) this.parts.keeper.watch(grant);
    if (grant.loss) this.startOver();
    else if (grant.leases.length === this.waiter.keys.length) this.settle(grant);
    else {
      for (const key of keys) this.keep(key);
      this.go();
    }
  }

  refused({ once, request, inTheWay }: AcquireAttempt): void {
    const { waiter } = this;
    this.turns.noteAnswer(waiter);
    if (once) this.seek = undefined;
    if (waiter.options.timeout === 0) this.turns.refuse(waiter);
    else if (once) this.go();
    else {
      if (request.keys.length > 1) this.waitForOne(inTheWay);
      else this.stayAt(waiter.places.find(({ line }) => line.key === request.keys[0]));
      this.letPass();
    }
  }

  ridesOut({ once }: AcquireAttempt, error: unknown): boolean {
    if (!this.waiter.answered || once) return false;
    this.waiter.failure = error;
    return true;
  }

  failed(_: AcquireAttempt, error: unknown): void {
    this.seek = undefined;
    this.turns.end(this.waiter, error);
  }

  late(): void {
    this.seek = undefined;
    if (this.waiter.options.timeout === 0) this.turns.refuse(this.waiter);
    else {
      this.turns.noteAnswer(this.waiter);
      this.go();
    }
  }

  /** The places of the keys that it lacks. */
  private missing(): QueueEntry[] {
    const { collected, waiter } = this;
    return collected ? waiter.places.filter(({ line }) => !collected.leaseOf(line.key)) : waiter.places;
  }

  /** The places of the keys to take next: of all that it lacks, or of the first in order only. */
  private wanted(): QueueEntry[] {
    const { collected, patience, waiter } = this;
    const missing = this.missing();
    const [first] = missing;
    if (!first || !patience?.isOrdered) return missing;
    const count = waiter.keys.length - missing.length;
    if (waiter.places[count] === first) {
      this.stepAside(first);
      return [first];
    }
    // What it has does not come before what it lacks.
    this.collected = undefined;
    patience.clear(this.parts.clock.now());
    if (collected) this.parts.releases.cancel(collected);
    return this.wanted();
  }

  /** Whether another waiter of this process comes first, or one holds the key. */
  private isBlocked({ previous, line: { lease } }: QueueEntry): boolean {
    return previous !== undefined || (lease !== undefined && lease.ownerId !== this.ownerId && !lease.isIdle);
  }

  private ask(places: readonly QueueEntry[]): void {
    for (const { line } of places) {
      const { lease } = line;
      if (lease?.isIdle && lease.ownerId !== this.ownerId) void this.parts.releases.giveBack(lease);
    }
    const keys = places.map(({ line }) => line.key);
    // What it has is kept until that is answered: who steps aside in a line now would have this attempt given up there.
    this.timer?.cancel();
    if (keys.length > 0) this.start(keys, false);
  }

  /**
   * The key that it has waited for is there, but `blocked` is not. Takes the one that is there, if it is to be kept;
   * whether it does.
   */
  private takesAlone(blocked: QueueEntry): boolean {
    const { patience, waitsAt } = this;
    if (!patience || patience.isOrdered || !waitsAt || waitsAt === blocked) return false;
    const waited = this.parts.clock.now() - this.waitsSince;
    if (!patience.isWorthwhile(waitsAt.line.key, waited, blocked.line.key)) {
      patience.noteGivenBack();
      return false;
    }
    this.stepAside(waitsAt);
    this.ask([waitsAt]);
    return true;
  }

  /** Not all at once, but the key that was in the way first. */
  private waitForOne(key: string | undefined): void {
    const { seek } = this;
    this.seek = undefined;
    if (seek) this.parts.seeker.abandon(seek);
    const missing = this.missing();
    const place = missing.find(({ line }) => line.key === key) ?? missing[0];
    if (!place) return;
    if (this.isBlocked(place)) {
      this.waitAt(place);
      return;
    }
    this.stayAt(place);
    this.start([place.line.key], false);
  }

  /** Behind others, or behind a holder of this process. */
  private waitAt(place: QueueEntry): void {
    this.stayAt(place);
    if (this.waiter.done) return;
    if (place.previous) this.waitInLine(place);
    else this.turns.waitHere(this.waiter, place.line);
  }

  /** Behind others; an owner may pass those who wait for what it holds itself. */
  private waitInLine(place: QueueEntry): void {
    const { options, tooLong } = this.waiter;
    this.waiter.hasWaitedHere = true;
    if (options.ownerId !== undefined && this.askedForOwnAt !== place) {
      const places = this.askedForOwnAt ? [place] : this.missing();
      this.askedForOwnAt = place;
      const keys = places.map(({ line }) => line.key);
      this.start(keys, true);
    } else if (options.timeout === 0) this.turns.refuse(this.waiter);
    else if (tooLong) this.turns.turnAway(this.waiter, tooLong);
  }

  /** Waits for the key of `place` alone from now on. What it has already is kept for a while. */
  private stayAt(place: QueueEntry | undefined): void {
    if (!place || !this.patience) return;
    if (this.waitsAt !== place) {
      this.waitsAt = place;
      this.waitsSince = this.parts.clock.now();
    }
    this.stepAside(place);
    this.giveBackInTime();
  }

  private stepAside(from: QueueEntry): void {
    if (!this.patience) return;
    for (const place of this.missing()) {
      if (place === from || place.aside) continue;
      place.line.stepAside(place);
      (this.left ??= []).push(place.line);
      if (place === this.waitsAt) this.waitsAt = undefined;
    }
  }

  /** Those behind it, where it has stepped aside. */
  private letPass(): void {
    const { left } = this;
    this.left = undefined;
    if (left) for (const line of left) this.turns.look(line);
  }

  /** Notes for how long `key`, which has come now, was waited for. */
  private keep(key: string): void {
    const { patience, waitsAt, waitsSince, parts } = this;
    const now = parts.clock.now();
    const isAwaited = waitsAt?.line.key === key;
    patience?.note(key, isAwaited ? now - waitsSince : 0, now);
    if (isAwaited) this.waitsAt = undefined;
  }

  /** Gives back the keys whose time is over, and sees to those whose time will be. */
  private giveBackInTime(): void {
    const { patience, collected, waitsAt, waiter } = this;
    const { clock, releases } = this.parts;
    this.timer?.cancel();
    this.timer = undefined;
    if (!patience || !collected || !waitsAt || waiter.done) return;
    const awaited = waitsAt.line.key;
    const over = patience.takeOver(awaited, clock.now());
    if (over.length > 0) {
      releases.cancelKeys(collected, over);
      if (collected.leases.length === 0) this.collected = undefined;
      this.stepAside(waitsAt);
    }
    const now = clock.now();
    const next = patience.next(awaited, now);
    if (next >= waiter.deadline) return;
    this.timer = clock.setTimer(
      () => {
        this.giveBackInTime();
        this.letPass();
      },
      next - now,
      false,
    );
  }

  private start(keys: readonly string[], onlyIfOwned: boolean): void {
    const { waiter, ownerId } = this;
    const line = this.parts.lines.open(keys[0] ?? '');
    this.seek = this.parts.seeker.start({
      line,
      keys,
      ttl: waiter.options.ttl,
      owner: this,
      ownerId,
      waiter,
      onlyIfOwned,
    });
  }

  /** Everything is there: a lease whose length is fixed is to begin now. */
  private settle(grant: Grant): void {
    const { calls, clock, leaseClock, keeper } = this.parts;
    const { keys, options } = this.waiter;
    const { ttl, renew } = options;
    const sentAt = leaseClock.now();
    this.timer?.cancel();
    grant.renew = renew && ttl !== null;
    grant.renewUntil = clock.now() + options.maxHold;
    if (ttl === null || renew || grant.deadline >= localDeadline(sentAt, ttl) - ttl * WORN) {
      this.finish(grant);
      return;
    }
    this.settling = true;
    const asked = keeper.askedAfter(keys, this.ownerId);
    calls.extend(
      { keys, ownerId: this.ownerId, ttl, leases: asked },
      {
        answered: (held) => {
          keeper.noteAnswer(asked, held, localDeadline(sentAt, ttl));
          this.settled(grant);
        },
        // What it has left is good for so long, all the same.
        failed: () => {
          this.settled(grant);
        },
      },
    );
  }

  private settled(grant: Grant): void {
    if (this.waiter.done) return;
    this.settling = false;
    if (grant.held) this.finish(grant);
    else this.startOver();
  }

  private finish(grant: Grant): void {
    this.collected = undefined;
    this.turns.finish(this.waiter, grant);
  }

  /** A part was lost while the others were being taken. */
  private startOver(): void {
    const { collected } = this;
    this.collected = undefined;
    this.patience?.clear(this.parts.clock.now());
    if (collected) this.parts.releases.cancel(collected);
    this.go();
  }

  private newGrant(): Grant {
    const { keys, options } = this.waiter;
    const tokens = keys.map(() => 0);
    const grant = new Grant(keys, this.ownerId, tokens, options, this.parts.leaseClock);
    // For as long as the others take; see `settle`.
    grant.renew = options.ttl !== null;
    return grant;
  }
}
