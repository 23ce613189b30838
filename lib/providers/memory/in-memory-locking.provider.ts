import type {
  ExtendRequest,
  LeaseAnswer,
  LeaseRequest,
  LockingProvider,
  LockingProviderOptions,
  ReleaseOutcome,
  ReleaseRequest,
  StoredLease,
} from '../../interfaces/index.js';
import { globMatcher } from './glob.js';
import { MemoryLockStore, type MemoryLease } from './memory-lock-store.js';

/** How many attempts of one owner are told apart; those before count as released. */
const LONGEST_HISTORY = 16;

/** Options of {@link InMemoryLockingProvider}, beside those of every provider. */
export interface InMemoryLockingProviderOptions extends LockingProviderOptions {
  /** Where the leases live. Give several providers the same one to have them exclude each other. */
  store?: MemoryLockStore;
}

/**
 * Locks within one process: the default, and enough where a single instance runs. The semantics are those of Redis,
 * expiry included.
 *
 * @example
 * LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider, options: { expire: '10s' } }] });
 */
export class InMemoryLockingProvider implements LockingProvider {
  static readonly identifier = 'in-memory';
  static readonly optionNames = ['store'];

  private readonly store: MemoryLockStore;

  constructor(options: InMemoryLockingProviderOptions = {}) {
    this.store = options.store ?? new MemoryLockStore();
  }

  acquire(requests: readonly LeaseRequest[]): Promise<LeaseAnswer>[] {
    return requests.map(async (request) => Promise.resolve(this.acquireOne(request)));
  }

  extend(requests: readonly ExtendRequest[]): Promise<readonly boolean[]>[] {
    return requests.map(async (request) => Promise.resolve(this.extendOne(request)));
  }

  release(requests: readonly ReleaseRequest[]): Promise<readonly ReleaseOutcome[]>[] {
    return requests.map(async (request) => Promise.resolve(request.keys.map((key) => this.releaseOne(key, request))));
  }

  async forceRelease(keys: readonly string[]): Promise<number> {
    return Promise.resolve(keys.filter((key) => this.store.delete(key)).length);
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    return Promise.resolve(keys.map((key) => this.describe(key)));
  }

  async *list(match?: string): AsyncGenerator<StoredLease> {
    const matches = match === undefined ? () => true : globMatcher(match);
    for (const key of this.store.keys()) {
      const lease = matches(key) ? this.describe(key) : null;
      if (lease) yield await Promise.resolve(lease);
    }
  }

  private acquireOne({ keys, ownerId, attemptId, ttl, onlyIfOwned }: LeaseRequest): LeaseAnswer {
    const now = this.store.clock.now();
    for (const key of keys) {
      const lease = this.store.get(key);
      if (lease ? lease.ownerId !== ownerId : onlyIfOwned) {
        // Sent twice, it may have been granted the first time: what this answer denies is given back.
        for (const other of keys) this.releaseOne(other, { keys, ownerId, attemptId, undo: true });
        return { granted: false, key, remaining: remaining(lease?.expiresAt ?? now, now) };
      }
    }
    const token = this.store.nextToken();
    const expiresAt = now + (ttl ?? Infinity);
    const grants = keys.map((key) => this.grant(key, ownerId, attemptId, token, expiresAt));
    return {
      granted: true,
      fencingTokens: grants.map(({ fencingToken }) => fencingToken),
      reentered: grants.map(({ attempts }) => attempts.length > 1),
    };
  }

  private grant(key: string, ownerId: string, attemptId: string, token: number, expiresAt: number): MemoryLease {
    const lease = this.store.get(key);
    const attempts = lease?.attempts ?? [];
    const repeated = attempts.at(-1) === attemptId;
    const others = attempts.filter((other) => other !== attemptId);
    return this.store.set(key, {
      ownerId,
      fencingToken: repeated && lease ? lease.fencingToken : token,
      attempts: [...others.slice(1 - LONGEST_HISTORY), attemptId],
      expiresAt: Math.max(lease?.expiresAt ?? 0, expiresAt),
    });
  }

  private extendOne({ keys, ownerId, ttl }: ExtendRequest): boolean[] {
    const leases = keys.map((key) => this.store.get(key));
    const held = leases.map((lease) => lease?.ownerId === ownerId);
    if (ttl !== null && held.every(Boolean)) {
      const expiresAt = this.store.clock.now() + ttl;
      keys.forEach((key, index) => {
        const lease = leases[index];
        if (lease && lease.expiresAt < expiresAt) this.store.set(key, { ...lease, expiresAt });
      });
    }
    return held;
  }

  private releaseOne(key: string, { ownerId, attemptId, undo, keepFor }: ReleaseRequest): ReleaseOutcome {
    const lease = this.store.get(key);
    if (lease?.ownerId !== ownerId) return 'gone';
    if (attemptId !== undefined) {
      if (!lease.attempts.includes(attemptId)) return 'kept';
      const left = attemptsLeft(lease.attempts, attemptId, undo === true);
      if (left.length > 0) {
        this.store.set(key, { ...lease, attempts: left });
        return 'kept';
      }
    }
    if (keepFor === undefined) this.store.delete(key);
    else this.store.set(key, { ...lease, attempts: [], expiresAt: this.store.clock.now() + keepFor });
    return 'freed';
  }

  private describe(key: string): StoredLease | null {
    const lease = this.store.get(key);
    if (!lease) return null;
    const { ownerId, fencingToken, expiresAt } = lease;
    return { key, ownerId, fencingToken, ttl: remaining(expiresAt, this.store.clock.now()) };
  }
}

/**
 * The attempts that still stand once one is given up. Undone, it is as if it had never been; released, it takes those
 * before it along, for a newer grant stands for the owner.
 */
function attemptsLeft(attempts: readonly string[], attemptId: string, undo: boolean): readonly string[] {
  return undo ? attempts.filter((other) => other !== attemptId) : attempts.slice(attempts.indexOf(attemptId) + 1);
}

function remaining(expiresAt: number, now: number): number | null {
  return expiresAt === Infinity ? null : Math.max(0, Math.ceil(expiresAt - now));
}
