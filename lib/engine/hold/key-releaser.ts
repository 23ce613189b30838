import { LockBackendError } from '../../errors/index.js';
import { isRevoking, type LeaseStore, type ReleaseOutcome, type EndRequest } from '../../provider-api/index.js';
import { callFailed, forcedFree, releasedElsewhere } from '../engine.messages.js';
import type { StoreCalls } from '../store/store-calls.js';
import type { LeaseTable } from './lease-table.js';
import type { Lease } from './lease.js';
import { listLeases, storedHolderOf, type StoredHolder } from './lease-view.js';
import { requestsFor, sourcesOf } from './releaser.js';

/** Why a lock is gone, in words and by its code. */
interface EndReason {
  readonly words: (keys: readonly string[]) => string;
  readonly code: 'revoked' | 'released';
}

const REVOKED: EndReason = { words: forcedFree, code: 'revoked' };

/** How many keys one request of `releaseAll` names at most. */
const CHUNK = 200;

/** How many such requests are under way at a time: a store has 5 s for each, and a process may hold very many locks. */
const WINDOW = 20;

/** Releases leases by key, whatever locks stand on them: as their owner asks for it, or an operator. */
export class KeyReleaser {
  constructor(
    private readonly provider: LeaseStore,
    private readonly calls: StoreCalls,
    private readonly leases: LeaseTable,
    private readonly processId: string,
    /** The store frees the keys from now on, or has done so. */
    private readonly onFreeing: (keys: readonly string[]) => void,
    private readonly advance: (keys: readonly string[]) => void,
  ) {}

  /** Frees `keys` whatever locks stand on them, if `ownerId` (or, without one, this process) holds them. */
  async release(keys: readonly string[], ownerId: string | undefined): Promise<boolean> {
    const requests = ownerId === undefined ? this.heldHere(keys) : this.ownedBy(keys, ownerId);
    const outcomes = await Promise.all(requests.map(async (request) => this.free(request)));
    const freed = outcomes.flat().filter((outcome) => outcome === 'freed').length;
    return freed === keys.length;
  }

  /**
   * Frees everything that `ownerId` (or this process) holds. Resolves with how many keys that were. Where the store fails
   * for some of them the others are freed all the same, and the error names those.
   */
  async releaseAll(ownerId: string | undefined): Promise<number> {
    const keys = this.leases.all().map(({ key }) => key);
    if (ownerId !== undefined) {
      const here = new Set(keys);
      for await (const { key, ownerId: owner } of listLeases(this.provider, this.calls)) {
        if (owner === ownerId && !here.has(key)) keys.push(key);
      }
    }
    const requests = windows(keys, CHUNK).flatMap((chunk) =>
      ownerId === undefined ? this.heldHere(chunk) : this.ownedBy(chunk, ownerId),
    );
    return countFreed(await this.freeInWindows(requests), requests);
  }

  /**
   * Frees `keys` from any holder. Resolves with how many were held: at least as many as the locks of this process that it has
   * ended, whose own release may overtake the request of the store.
   */
  async forceRelease(keys: readonly string[]): Promise<number> {
    const [revoked, ended] = await this.detach(keys, undefined, REVOKED, async () =>
      this.calls.run('force free', keys, async () => this.provider.revoke(keys)),
    );
    return Math.max(revoked, ended);
  }

  /**
   * Frees `key` if its holder is the one that was seen, in this process or in another. Resolves with whether it was: also where
   * a lock of this process has ended by it, and its own release overtakes the request of the store. A store that cannot
   * compare and revoke in one step is asked in two.
   */
  async forceReleaseSeen(key: string, seen: StoredHolder): Promise<boolean> {
    const { provider, calls } = this;
    const expected = this.storedAs(key, seen);
    if (!expected) return false;
    const lease = { key, ownerId: expected.ownerId, fencingToken: expected.fencingToken };
    // The locks of this process end before the store is asked to revoke: without a look, they might end in vain.
    if (this.leases.of(key, lease.ownerId) || !isRevoking(provider)) {
      const [found] = await calls.run('inspect', [key], async () => provider.inspect([key]));
      if (found?.ownerId !== lease.ownerId) return false;
      const isOwnerEnough = isRevoking(provider) && provider.comparesOwnersAlone;
      if (!isOwnerEnough && found.fencingToken !== lease.fencingToken) return false;
      if (!this.storedAs(key, seen)) return false;
    }
    const [isRevoked, ended] = await this.detach([key], lease.ownerId, REVOKED, async () =>
      calls.run('force free', [key], async () =>
        isRevoking(provider) ? provider.revokeSeen(lease) : (await provider.revoke([key])) > 0,
      ),
    );
    return isRevoked || ended > 0;
  }

  /**
   * What the store knows of the holder that was seen. In a lease that is handed from holder to holder here this process alone
   * knows the present one: `undefined` if that is another one now, however `seen` has come here.
   */
  private storedAs(key: string, seen: StoredHolder): StoredHolder | undefined {
    const stored = storedHolderOf(seen);
    const lease = this.leases.get(key);
    if (!lease?.shared) return stored ?? seen;
    const [holder] = lease.grants;
    if (holder?.ownerId === seen.ownerId && lease.token === seen.fencingToken) {
      return stored ?? { ownerId: lease.ownerId, fencingToken: lease.firstToken };
    }
    // The store knows the lease by the owner of its first holder, which may have passed it on.
    const isFirst = lease.grantsMade === 0 || holder?.ownerId === lease.ownerId;
    return (stored ?? seen).ownerId === lease.ownerId && !isFirst ? undefined : (stored ?? seen);
  }

  /** What this process holds of `keys`, under any owner. */
  private heldHere(keys: readonly string[]): EndRequest[] {
    const held = keys.map((key) => this.leases.get(key)).filter((lease) => lease !== undefined);
    return requestsFor(held, Infinity, this.processId);
  }

  /**
   * What `ownerId` has of `keys`. In a lease that is handed from holder to holder here the store knows only the first
   * one, and this process alone knows the present one.
   */
  private ownedBy(keys: readonly string[], ownerId: string): EndRequest[] {
    const own: Lease[] = [];
    const others: string[] = [];
    for (const key of keys) {
      const lease = this.leases.get(key);
      if (!lease?.shared) others.push(key);
      else if (lease.grants[0]?.ownerId === ownerId) own.push(lease);
    }
    const requests = requestsFor(own, Infinity, this.processId);
    if (others.length > 0) requests.push({ keys: others, ownerId });
    return requests;
  }

  /** Goes on past failures, but not where a whole window has failed: that store would take as long for each of them. */
  private async freeInWindows(
    requests: readonly EndRequest[],
  ): Promise<PromiseSettledResult<readonly ReleaseOutcome[]>[]> {
    const settled: PromiseSettledResult<readonly ReleaseOutcome[]>[] = [];
    for (const window of windows(requests, WINDOW)) {
      const results = await Promise.allSettled(window.map(async (one) => this.free(one)));
      settled.push(...results);
      const [first] = results;
      if (first?.status !== 'rejected' || results.some(({ status }) => status === 'fulfilled')) continue;
      return [...settled, ...requests.slice(settled.length).map(() => first)];
    }
    return settled;
  }

  private async free(request: EndRequest): Promise<readonly ReleaseOutcome[]> {
    const { keys, ownerId } = request;
    const [outcomes] = await this.detach(keys, ownerId, { words: releasedElsewhere, code: 'released' }, async () =>
      this.calls.askToRelease(request),
    );
    return outcomes;
  }

  /**
   * Ends the trust in what this process has of `keys` (under `ownerId`, or any owner), then has the store free them:
   * from that moment on another process may hold them, however late the answer. If it fails, their locks release them.
   *
   * @returns the answer of the store, and how many keys had a holder here, which has ended
   */
  private async detach<T>(
    keys: readonly string[],
    ownerId: string | undefined,
    reason: EndReason,
    freeInStore: () => Promise<T>,
  ): Promise<readonly [T, number]> {
    const detached = keys
      .map((key) => this.leases.get(key))
      .filter((lease) => lease !== undefined)
      .filter((lease) => ownerId === undefined || lease.ownerId === ownerId);
    const ended = detached.filter(({ isIdle }) => !isIdle).length;
    for (const lease of detached) this.leases.detach(lease, reason.words([lease.key]), reason.code);
    this.onFreeing(keys);
    try {
      const answer = await freeInStore();
      // Not revoked, for another grant stands there: what the locks have of it they release themselves.
      if (answer === false) return [answer, ended];
      for (const lease of detached) this.leases.forget(lease);
      // A late request of theirs must not acquire a key again: their locks do not release it any more.
      for (const source of sourcesOf(detached)) source.settle();
      return [answer, ended];
    } finally {
      this.onFreeing(keys);
      this.advance(keys);
    }
  }
}

/** @throws LockBackendError with the keys of all `requests` that have failed */
function countFreed(
  settled: readonly PromiseSettledResult<readonly ReleaseOutcome[]>[],
  requests: readonly EndRequest[],
): number {
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure) {
    const failed = requests.filter((_, index) => settled[index]?.status === 'rejected');
    const keys = failed.flatMap((request) => request.keys);
    const cause: unknown = (failure.reason as Error).cause;
    throw new LockBackendError(keys, callFailed('release', keys, cause), { cause });
  }
  const outcomes = settled.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  return outcomes.filter((outcome) => outcome === 'freed').length;
}

function windows<T>(all: readonly T[], size: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
