import type { ReleaseOutcome, ReleaseRequest } from '../interfaces/index.js';
import { forcedFree, releasedElsewhere } from './engine.messages.js';
import type { EngineParts } from './engine-parts.js';
import type { Hold, Lease } from './lease.js';
import { listLeases } from './lease-view.js';
import { first } from './release-retry.js';

/** Why a lock is gone, in words. */
type LossReason = (keys: readonly string[]) => string;

/** How many keys one request of `releaseAll` names at most. */
const CHUNK = 200;

/** Giving leases back, by their handle or by key. */
export class LeaseRelease {
  constructor(private readonly parts: EngineParts) {}

  /**
   * Ends one handle's share in `lease`; the last one frees the keys.
   *
   * @returns whether the lease was held until now
   * @throws LockBackendError when the store cannot be asked; the release is repeated in the background
   */
  async leave(lease: Lease, minHold: number): Promise<boolean> {
    const { keeper, holds, queue } = this.parts;
    keeper.expireIfDue(lease);
    lease.minHold = Math.max(lease.minHold, minHold);
    lease.joins -= 1;
    if (lease.joins > 0) return lease.held;
    const wasHeld = lease.held;
    keeper.unwatch(lease);
    const last = holds.withdraw(lease);
    if (wasHeld) lease.end();
    const keepFor = lease.minHold > 0 && wasHeld ? lease.minHold : undefined;
    try {
      const sent = requestsFor(last, keepFor).map(async (request) => this.send(request, lastsUntil(last, lease)));
      const outcomes = await Promise.all(sent);
      return wasHeld && outcomes.flat().every((outcome) => outcome !== 'gone');
    } finally {
      queue.wake(last.map(({ key }) => key));
    }
  }

  /** Frees `keys` whatever handles stand on them, if `ownerId` (or, without one, this process) holds them. */
  async releaseKeys(keys: readonly string[], ownerId: string | undefined): Promise<boolean> {
    const found = ownerId === undefined ? this.heldHere(keys) : [{ keys, ownerId }];
    const outcomes = await Promise.all(found.map(async (request) => this.free(request, releasedElsewhere)));
    const freed = outcomes.flat().filter((outcome) => outcome === 'freed').length;
    return freed === keys.length;
  }

  /** Frees everything that `ownerId` (or this process) holds. Resolves with how many keys that were. */
  async releaseAll(ownerId: string | undefined, reason = releasedElsewhere): Promise<number> {
    const keys: string[] = [];
    if (ownerId === undefined) for (const { key } of this.parts.holds.all()) keys.push(key);
    else for await (const stored of listLeases(this.parts)) if (stored.ownerId === ownerId) keys.push(stored.key);
    let count = 0;
    for (let start = 0; start < keys.length; start += CHUNK) {
      const chunk = keys.slice(start, start + CHUNK);
      const requests = ownerId === undefined ? this.heldHere(chunk) : [{ keys: chunk, ownerId }];
      const outcomes = await Promise.all(requests.map(async (request) => this.free(request, reason)));
      count += outcomes.flat().filter((outcome) => outcome === 'freed').length;
    }
    return count;
  }

  /** Frees `keys` whoever holds them. Resolves with how many were held. */
  async forceRelease(keys: readonly string[]): Promise<number> {
    const { provider, calls } = this.parts;
    return this.giveUp(keys, undefined, forcedFree, async () =>
      calls.run('force free', keys, async () => provider.forceRelease(keys)),
    );
  }

  private heldHere(keys: readonly string[]): ReleaseRequest[] {
    const held = keys.map((key) => this.parts.holds.get(key)).filter((hold) => hold !== undefined);
    return requestsFor(held, undefined);
  }

  private async free(request: ReleaseRequest, reason: LossReason): Promise<readonly ReleaseOutcome[]> {
    const { provider, calls } = this.parts;
    const { keys, ownerId } = request;
    return this.giveUp(keys, ownerId, reason, async () =>
      calls.run('release', keys, async () => first(provider.release([request]))),
    );
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
    const { holds, queue } = this.parts;
    const abandoned: Hold[] = [];
    for (const key of keys) {
      const hold = holds.get(key);
      if (hold && (ownerId === undefined || hold.ownerId === ownerId)) abandoned.push(hold);
    }
    for (const hold of abandoned) holds.abandon(hold, reason([hold.key]));
    try {
      const answer = await freeInStore();
      for (const hold of abandoned) for (const lease of hold.leases) lease.forget(hold);
      return answer;
    } finally {
      queue.wake(keys);
    }
  }

  private async send(request: ReleaseRequest, until: number): Promise<readonly ReleaseOutcome[]> {
    const { provider, calls, retry, clock } = this.parts;
    try {
      return await calls.run('release', request.keys, async () => first(provider.release([request])));
    } catch (error) {
      retry.add(request, until === Infinity ? null : until - clock.now());
      throw error;
    }
  }
}

/** When the store has let `holds` run out at the latest: after an extension, or through another lease, that is later. */
function lastsUntil(holds: readonly Hold[], lease: Lease): number {
  return Math.max(lease.latestEnd, ...holds.map(({ deadline }) => deadline));
}

/** As few requests as will do: shared holds may rest on different attempts. */
function requestsFor(holds: readonly Hold[], keepFor: number | undefined): ReleaseRequest[] {
  const byAttempt = new Map<string, Hold[]>();
  for (const hold of holds) {
    const group = byAttempt.get(hold.attemptId);
    if (group) group.push(hold);
    else byAttempt.set(hold.attemptId, [hold]);
  }
  return [...byAttempt].map(([attemptId, group]) => ({
    keys: group.map(({ key }) => key),
    ownerId: group[0]?.ownerId ?? '',
    attemptId,
    keepFor,
  }));
}
