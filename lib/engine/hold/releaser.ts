import { LockBackendError } from '../../errors/index.js';
import type { ReleaseOutcome, ReleaseRequest } from '../../interfaces/index.js';
import { callFailed, forcedFree, releasedElsewhere } from '../engine.messages.js';
import type { EngineParts } from '../engine-parts.js';
import type { Grant } from './grant.js';
import type { Lease } from './lease.js';
import { listLeases } from './lease-view.js';
import type { AcquireAttempt } from '../acquire/acquire-attempt.js';

/** Why a lock is gone, in words. */
type LossReason = (keys: readonly string[]) => string;

/** How many keys one request of `releaseAll` names at most. */
const CHUNK = 200;

/** How many such requests are under way at a time: a store has 5 s for each, and a process may hold very many locks. */
const WINDOW = 20;

/** Giving leases back, by their handle or by key. */
export class Releaser {
  constructor(private readonly parts: EngineParts) {}

  /**
   * Ends one handle's share in `grant`; the last one frees the keys, or hands them on.
   *
   * @returns whether the lock was held until now; a promise where the store has to be asked, which rejects with a
   * LockBackendError if it cannot be: the release is then repeated in the background
   */
  leave(grant: Grant, minHold: number): boolean | Promise<boolean> {
    const wasHeld = grant.held;
    if (!wasHeld) {
      this.parts.keeper.expireIfDue(grant);
      if (grant.doubted) return this.leaveWhenCertain(grant, minHold);
    }
    grant.minHold = Math.max(grant.minHold, minHold);
    grant.joins -= 1;
    if (grant.joins > 0) return wasHeld;
    if (!wasHeld) return this.giveUpAll(grant, false);
    if (grant.minHold > 0) this.noteMinHold(grant);
    if (this.parts.turns.handOver(grant)) return true;
    const [lease, ...others] = grant.leases;
    const isPlain = lease?.grants.length === 1 && others.length === 0 && grant.leftovers.length === 0;
    return isPlain && !mayComeAgain(lease) ? this.giveUpOne(grant, lease) : this.giveUpAll(grant, true);
  }

  /** The store has been asked whether it was held until now. */
  private async leaveWhenCertain(grant: Grant, minHold: number): Promise<boolean> {
    await grant.certainty();
    return this.leave(grant, minHold);
  }

  /** The same, where nobody waits for the store. */
  discard(grant: Grant): void {
    const left = this.leave(grant, 0);
    if (typeof left !== 'boolean') left.catch(() => undefined);
  }

  /** Gives back what no caller was told of. */
  cancel(grant: Grant): void {
    if (grant.leases[0]?.shared) {
      this.discard(grant);
      return;
    }
    const last = this.takeOut(grant, true);
    this.undo(last, grant);
    for (const { key } of last) this.parts.look([key]);
  }

  /** Gives back those of `keys` that `grant` covers; no caller was told of them. */
  cancelKeys(grant: Grant, keys: readonly string[]): void {
    const { keeper, leases } = this.parts;
    const given = grant.leases.filter(({ key }) => keys.includes(key));
    grant.leases = grant.leases.filter((lease) => !given.includes(lease));
    if (grant.leases.length === 0) keeper.unwatch(grant);
    for (const lease of given) lease.grants.splice(lease.grants.indexOf(grant), 1);
    const last = given.filter((lease) => lease.grants.length === 0);
    for (const lease of last) leases.drop(lease);
    this.undo(last, grant);
  }

  /** Gives a lease back that nobody has a grant of; whoever is next, here or elsewhere, may have it. Never rejects. */
  async giveBack(lease: Lease): Promise<void> {
    this.parts.leases.drop(lease);
    const until = lease.deadline;
    await this.send({ keys: [lease.key], ownerId: lease.ownerId, attemptId: lease.attemptId }, [lease], until).catch(
      () => undefined,
    );
  }

  /** Frees `keys` whatever handles stand on them, if `ownerId` (or, without one, this process) holds them. */
  async releaseKeys(keys: readonly string[], ownerId: string | undefined): Promise<boolean> {
    const requests = ownerId === undefined ? this.heldHere(keys) : this.ownedBy(keys, ownerId);
    const outcomes = await Promise.all(requests.map(async (request) => this.free(request, releasedElsewhere)));
    const freed = outcomes.flat().filter((outcome) => outcome === 'freed').length;
    return freed === keys.length;
  }

  /**
   * Frees everything that `ownerId` (or this process) holds. Resolves with how many keys that were. Where the store fails
   * for some of them the others are freed all the same, and the error names those.
   */
  async releaseAll(ownerId: string | undefined): Promise<number> {
    const keys = this.parts.leases.all().map(({ key }) => key);
    if (ownerId !== undefined) {
      const here = new Set(keys);
      for await (const { key, ownerId: owner } of listLeases(this.parts)) {
        if (owner === ownerId && !here.has(key)) keys.push(key);
      }
    }
    const requests: ReleaseRequest[] = [];
    for (let start = 0; start < keys.length; start += CHUNK) {
      const chunk = keys.slice(start, start + CHUNK);
      requests.push(...(ownerId === undefined ? this.heldHere(chunk) : this.ownedBy(chunk, ownerId)));
    }
    return countFreed(await this.freeInWindows(requests), requests);
  }

  /** Goes on past failures, but not where a whole window has failed: that store would take as long for each of them. */
  private async freeInWindows(
    requests: readonly ReleaseRequest[],
  ): Promise<PromiseSettledResult<readonly ReleaseOutcome[]>[]> {
    const settled: PromiseSettledResult<readonly ReleaseOutcome[]>[] = [];
    for (let start = 0; start < requests.length; start += WINDOW) {
      const window = requests.slice(start, start + WINDOW);
      const results = await Promise.allSettled(window.map(async (one) => this.free(one, releasedElsewhere)));
      settled.push(...results);
      const [first] = results;
      if (first?.status !== 'rejected' || results.some(({ status }) => status === 'fulfilled')) continue;
      return [...settled, ...requests.slice(settled.length).map(() => first)];
    }
    return settled;
  }

  /**
   * Gives up everything that this process holds, for good. A release that fails is repeated until it is answered:
   * {@link ReleaseRetry.whenDone}.
   */
  giveUpHeld(reason: LossReason): void {
    const { leases, retry, clock } = this.parts;
    const held = leases.all();
    for (const request of requestsFor(held, clock.now())) retry.add(request, null);
    for (const lease of held) leases.forfeit(lease, reason([lease.key]));
  }

  /** Frees `keys` whoever holds them. Resolves with how many were held. */
  async forceRelease(keys: readonly string[]): Promise<number> {
    const { provider, calls } = this.parts;
    return this.giveUp(keys, undefined, forcedFree, async () =>
      calls.run('force free', keys, async () => provider.forceRelease(keys)),
    );
  }

  private async giveUpAll(grant: Grant, wasHeld: boolean): Promise<boolean> {
    const last = this.takeOut(grant, wasHeld);
    const requests = requestsFor(last, wasHeld ? this.parts.clock.now() : Infinity);
    const sent = this.sendAll(requests, last, lastsUntil(last, grant));
    for (const { key } of last) this.parts.look([key]);
    const outcomes = await sent;
    return wasHeld && !outcomes.includes('gone');
  }

  /** The usual case, one key with nobody else on it, at the price of one promise. */
  // eslint-disable-next-line @typescript-eslint/promise-function-async
  private giveUpOne(grant: Grant, lease: Lease): Promise<boolean> {
    this.takeOut(grant, true);
    const { key, ownerId, attemptId } = lease;
    const { calls, retry, clock, leaseClock, look, seeker } = this.parts;
    const request = { keys: [key], ownerId, attemptId, keepFor: keepFor(lease, clock.now()) };
    return new Promise((resolve, reject) => {
      calls.release(request, {
        answered: ([outcome]) => {
          if (lease.seek) seeker.released(lease.seek);
          resolve(outcome !== 'gone');
        },
        failed: (error, owed) => {
          const until = lastsUntil([lease], grant);
          retry.add(request, until === Infinity ? null : until - leaseClock.now(), owed);
          if (lease.seek) seeker.released(lease.seek);
          reject(error);
        },
      });
      if (lease.seek) seeker.releasing(lease.seek);
      look(grant.keys);
    });
  }

  /**
   * Has the store forget `leases` of `grant`, each attempt for itself: a named owner may have taken the keys in another
   * process as well, and any owner may have taken them again by the time that a late request arrives.
   */
  private undo(leases: readonly Lease[], grant: Grant): void {
    const { address, leaseClock, retry, seeker } = this.parts;
    const until = lastsUntil(leases, grant);
    const lasts = until === Infinity ? null : until - leaseClock.now();
    for (const lease of leases) for (const request of undoesOf(lease)) retry.add({ ...request, address }, lasts);
    for (const seek of seeksOf(leases)) seeker.settle(seek);
  }

  private takeOut(grant: Grant, wasHeld: boolean): Lease[] {
    this.parts.keeper.unwatch(grant);
    const last = this.parts.leases.withdraw(grant);
    if (wasHeld) grant.close();
    return last;
  }

  /** On the lease, not on the grant: other grants may still cover it, and the last of them releases it. */
  private noteMinHold({ leases, minHold }: Grant): void {
    const until = this.parts.clock.now() + minHold;
    for (const lease of leases) lease.keepUntil = Math.max(lease.keepUntil, until);
  }

  /** What this process holds of `keys`, whoever has it. */
  private heldHere(keys: readonly string[]): ReleaseRequest[] {
    const held = keys.map((key) => this.parts.leases.get(key)).filter((lease) => lease !== undefined);
    return requestsFor(held, Infinity);
  }

  /**
   * What `ownerId` has of `keys`. In a lease that is handed from holder to holder here the store knows only the first
   * one, and this process alone knows who has it now.
   */
  private ownedBy(keys: readonly string[], ownerId: string): ReleaseRequest[] {
    const own: Lease[] = [];
    const others: string[] = [];
    for (const key of keys) {
      const lease = this.parts.leases.get(key);
      if (!lease?.shared) others.push(key);
      else if (lease.grants[0]?.ownerId === ownerId) own.push(lease);
    }
    const requests = requestsFor(own, Infinity);
    if (others.length > 0) requests.push({ keys: others, ownerId });
    return requests;
  }

  private async free(request: ReleaseRequest, reason: LossReason): Promise<readonly ReleaseOutcome[]> {
    const { calls } = this.parts;
    const { keys, ownerId } = request;
    return this.giveUp(keys, ownerId, reason, async () => calls.askToRelease(request));
  }

  /**
   * Ends the trust in what this process has of `keys` (under `ownerId`, or any owner), then has the store free them:
   * from that moment on somebody else may hold them, however late the answer. If it fails, their handles release them.
   */
  private async giveUp<T>(
    keys: readonly string[],
    ownerId: string | undefined,
    reason: LossReason,
    freeInStore: () => Promise<T>,
  ): Promise<T> {
    const { leases, look } = this.parts;
    const abandoned: Lease[] = [];
    for (const key of keys) {
      const lease = leases.get(key);
      if (lease && (ownerId === undefined || lease.ownerId === ownerId)) abandoned.push(lease);
    }
    const grants = new Map(abandoned.map((lease) => [lease, [...lease.grants]]));
    for (const lease of abandoned) leases.abandon(lease, reason([lease.key]));
    try {
      const answer = await freeInStore();
      for (const [lease, holders] of grants) for (const grant of holders) grant.forget(lease);
      // A late question of theirs must not take a key once more: their handles do not release it any more.
      for (const seek of seeksOf(abandoned)) this.parts.seeker.settle(seek);
      return answer;
    } finally {
      look(keys);
    }
  }

  private async sendAll(
    requests: readonly ReleaseRequest[],
    leases: readonly Lease[],
    until: number,
  ): Promise<readonly ReleaseOutcome[]> {
    const outcomes = await Promise.all(requests.map(async (request) => this.send(request, leases, until)));
    return outcomes.flat();
  }

  private async send(
    request: ReleaseRequest,
    leases: readonly Lease[],
    until: number,
  ): Promise<readonly ReleaseOutcome[]> {
    const { calls, retry, leaseClock, seeker } = this.parts;
    const lasts = until === Infinity ? null : until - leaseClock.now();
    const seeks = seeksOf(leases.filter(({ key }) => request.keys.includes(key)));
    return new Promise((resolve, reject) => {
      calls.release(request, {
        answered: (outcomes) => {
          for (const seek of seeks) seeker.released(seek);
          resolve(outcomes);
        },
        failed: (error, owed) => {
          retry.add(request, lasts, owed);
          for (const seek of seeks) seeker.released(seek);
          reject(error);
        },
      });
      for (const seek of seeks) seeker.releasing(seek);
    });
  }
}

/** @throws LockBackendError with the keys of all `requests` that have failed */
function countFreed(
  settled: readonly PromiseSettledResult<readonly ReleaseOutcome[]>[],
  requests: readonly ReleaseRequest[],
): number {
  const failed = requests.filter((_, index) => settled[index]?.status === 'rejected');
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure) {
    const keys = failed.flatMap((request) => request.keys);
    const cause: unknown = (failure.reason as Error).cause;
    throw new LockBackendError(keys, callFailed('release', keys, cause), { cause });
  }
  const outcomes = settled.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  return outcomes.filter((outcome) => outcome === 'freed').length;
}

/** When the store has let `leases` run out at the latest: after an extension, or through another grant, that is later. */
function lastsUntil(leases: readonly Lease[], grant: Grant): number {
  return Math.max(grant.latestEnd, ...leases.map(({ deadline, mayLastUntil }) => Math.max(deadline, mayLastUntil)));
}

/** What `leases` were found by, where a question of that may still reach the store. */
function seeksOf(leases: readonly Lease[]): ReadonlySet<AcquireAttempt> {
  const seeks = new Set<AcquireAttempt>();
  for (const { seek } of leases) if (seek) seeks.add(seek);
  return seeks;
}

/** For how many milliseconds the store has to keep the key of `lease` when it is released at `now`. */
function keepFor({ keepUntil }: Lease, now: number): number | undefined {
  return keepUntil > now ? Math.ceil(keepUntil - now) : undefined;
}

/**
 * Whether a late question may take the key of `lease` once more under the same attempt. In the store the attempt is the
 * owner's newest then, and a release would take along what the owner has been granted meanwhile.
 */
function mayComeAgain({ shared, seek }: Lease): boolean {
  return !shared && seek?.unsettled === true;
}

/** Each attempt of `lease` for itself. */
function undoesOf({ key, ownerId, attemptId, earlier = [] }: Lease): ReleaseRequest[] {
  return [...earlier, attemptId].map((attempt) => ({ keys: [key], ownerId, attemptId: attempt, undo: true }));
}

/**
 * As few requests as will do: the leases of one owner may rest on different attempts, and a `minHold` may be for some of
 * them only. With `now` at `Infinity` no `minHold` counts.
 */
function requestsFor(leases: readonly Lease[], now: number): ReleaseRequest[] {
  const groups = new Map<string, Lease[]>();
  const requests: ReleaseRequest[] = [];
  for (const lease of leases) {
    const kept = keepFor(lease, now);
    if (kept === undefined && mayComeAgain(lease)) {
      requests.push(...undoesOf(lease));
      continue;
    }
    const name = `${String(kept)} ${lease.attemptId}`;
    const group = groups.get(name);
    if (group) group.push(lease);
    else groups.set(name, [lease]);
  }
  for (const group of groups.values()) {
    const [first] = group;
    if (!first) continue;
    const { ownerId, attemptId } = first;
    requests.push({ keys: group.map(({ key }) => key), ownerId, attemptId, keepFor: keepFor(first, now) });
  }
  return requests;
}
