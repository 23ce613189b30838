import { localDeadline } from './drift.js';
import type { EngineParts } from './engine-parts.js';
import { Grant } from './grant.js';
import type { Found, Seek, SeekOwner } from './seek.js';
import type { Turns } from './turns.js';
import type { Waiter } from './waiter.js';

/** A lease of a fixed length that has lost more than this part of it on the way is brought back to its full length. */
const WORN = 0.05;

/**
 * Takes leases that are one caller's own: of several keys, under a named owner, of a fixed length. Several keys are
 * asked for all at once; where one of them is not to be had, they are taken one by one in their fixed order, standing
 * in line for each, so that two callers can't wait for each other and none starves.
 */
export class Errand implements SeekOwner {
  private readonly ownerId: string;
  private seek?: Seek;

  /** What has been taken one by one so far. */
  private collected?: Grant;
  private settling = false;
  private askedForOwn = false;

  constructor(
    private readonly parts: EngineParts,
    private readonly turns: Turns,
    private readonly waiter: Waiter,
  ) {
    this.ownerId = waiter.options.ownerId ?? parts.nextId();
  }

  owns(seek: Seek): boolean {
    return seek === this.seek;
  }

  /** Does what can be done now. */
  go(): void {
    const { waiter } = this;
    if (waiter.done || this.seek || this.settling) return;
    if (!waiter.isFirst) this.waitInLine();
    else if (!this.waitsForHolder()) this.askNext();
  }

  giveUp(): void {
    const { seek, collected } = this;
    this.seek = this.collected = undefined;
    if (seek) this.parts.seeker.abandon(seek);
    if (collected) this.parts.releases.discard(collected);
  }

  found(seek: Seek, { tokens, reentered, deadline }: Found): void {
    this.seek = undefined;
    const { keys, attemptId } = seek.request;
    const grant = (this.collected ??= this.newGrant());
    keys.forEach((key, index) => {
      const found = { token: tokens[index] ?? 0, reentered: reentered[index] ?? false, attemptId, deadline, seek };
      this.parts.leases.grant(grant, key, found);
    });
    if (!grant.watch) this.parts.keeper.watch(grant);
    if (grant.loss) this.startOver();
    else if (grant.leases.length < this.waiter.keys.length) this.go();
    else this.settle(grant);
  }

  refused({ once, request }: Seek): void {
    const { waiter } = this;
    this.turns.noteAnswer(waiter);
    if (once) this.seek = undefined;
    if (waiter.options.timeout === 0) this.turns.refuse(waiter);
    else if (once) this.go();
    else if (request.keys.length > 1 && this.parts.seeker.canQueue) this.collect();
  }

  ridesOut({ once }: Seek, error: unknown): boolean {
    if (!this.waiter.answered || once) return false;
    this.waiter.failure = error;
    return true;
  }

  failed(_: Seek, error: unknown): void {
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

  /** Behind others; an owner may pass those who wait for what it holds itself. */
  private waitInLine(): void {
    const { options } = this.waiter;
    this.waiter.hasWaitedHere = true;
    if (options.ownerId !== undefined && !this.askedForOwn) {
      this.askedForOwn = true;
      this.start(this.waiter.keys, true);
    } else if (options.timeout === 0) this.turns.refuse(this.waiter);
    else if (this.waiter.tooLong) this.turns.turnAway(this.waiter, this.waiter.tooLong);
  }

  /** Whether somebody in this process is in the way. */
  private waitsForHolder(): boolean {
    for (const { line } of this.waiter.places) {
      const { lease } = line;
      if (!lease || lease.ownerId === this.ownerId) continue;
      if (lease.isIdle) {
        void this.parts.releases.giveBack(lease);
        continue;
      }
      this.turns.waitHere(this.waiter, line);
      return true;
    }
    return false;
  }

  private askNext(): void {
    const { collected, waiter } = this;
    if (!collected) this.start(waiter.keys, false);
    else {
      // They are taken in the order of the keys, and where one is lost everything starts over.
      const missing = waiter.keys[collected.leases.length];
      if (missing !== undefined) this.start([missing], false);
    }
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

  private collect(): void {
    const { seek } = this;
    this.seek = undefined;
    if (seek) this.parts.seeker.abandon(seek);
    this.collected = this.newGrant();
    // For as long as it takes; see `settle`.
    this.collected.renew = this.waiter.options.ttl !== null;
    this.go();
  }

  /** Everything is there: a lease whose length is fixed is to begin now. */
  private settle(grant: Grant): void {
    const { calls, clock, keeper } = this.parts;
    const { keys, options } = this.waiter;
    const { ttl, renew } = options;
    const sentAt = clock.now();
    grant.renew = renew && ttl !== null;
    grant.renewUntil = sentAt + options.maxHold;
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
    if (collected) this.parts.releases.discard(collected);
    this.go();
  }

  private newGrant(): Grant {
    const { keys, options } = this.waiter;
    const tokens = keys.map(() => 0);
    return new Grant(keys, this.ownerId, tokens, options, this.parts.clock);
  }
}
