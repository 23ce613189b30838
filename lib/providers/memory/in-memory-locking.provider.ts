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
import { MemoryLockStore } from './memory-lock-store.js';

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
        return { granted: false, key, remaining: remaining(lease?.expiresAt ?? now, now) };
      }
    }
    const token = this.store.nextToken();
    const expiresAt = now + (ttl ?? Infinity);
    const fencingTokens = keys.map((key) => {
      const lease = this.store.get(key);
      const repeated = lease?.attemptId === attemptId;
      const fencingToken = repeated ? lease.fencingToken : token;
      this.store.set(key, {
        ownerId,
        attemptId,
        fencingToken,
        expiresAt: Math.max(lease?.expiresAt ?? 0, expiresAt),
        reentered: repeated ? lease.reentered : lease !== undefined,
      });
      return fencingToken;
    });
    return { granted: true, fencingTokens };
  }

  private extendOne({ keys, ownerId, ttl }: ExtendRequest): boolean[] {
    const leases = keys.map((key) => this.store.get(key));
    const held = leases.map((lease) => lease?.ownerId === ownerId);
    if (ttl !== null && held.every(Boolean)) {
      const expiresAt = this.store.clock.now() + ttl;
      for (const lease of leases) if (lease) lease.expiresAt = Math.max(lease.expiresAt, expiresAt);
    }
    return held;
  }

  private releaseOne(key: string, { ownerId, attemptId, undo, keepFor }: ReleaseRequest): ReleaseOutcome {
    const lease = this.store.get(key);
    if (lease?.ownerId !== ownerId) return 'gone';
    if (attemptId !== undefined && lease.attemptId !== attemptId) return 'kept';
    if (undo && lease.reentered) return 'kept';
    if (keepFor === undefined) this.store.delete(key);
    else this.store.set(key, { ...lease, expiresAt: this.store.clock.now() + keepFor });
    return 'freed';
  }

  private describe(key: string): StoredLease | null {
    const lease = this.store.get(key);
    if (!lease) return null;
    const { ownerId, fencingToken, expiresAt } = lease;
    return { key, ownerId, fencingToken, ttl: remaining(expiresAt, this.store.clock.now()) };
  }
}

function remaining(expiresAt: number, now: number): number | null {
  return expiresAt === Infinity ? null : Math.max(0, Math.ceil(expiresAt - now));
}
