import { setImmediate } from '../../engine/runtime/real-queues.js';
import type { LockingProviderOptions } from '../../interfaces/index.js';
import {
  BatchedStore,
  Reply,
  type CancelRequest,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type QueueingStore,
  type RecordAnswer,
  type RecordDeletion,
  type RecordListener,
  type RecordStore,
  type RecordWrite,
  type ReleaseOutcome,
  type ReleaseRequest,
  type RevokingStore,
  type StoredLease,
  type StoredRecord,
  type WakeUpListener,
} from '../../provider-api/index.js';
import { globMatcher } from '../glob.js';
import { MemoryLockStore, type MemoryLease } from './memory-lock-store.js';

/** How many attempts of one owner are told apart; those before count as released. */
const LONGEST_HISTORY = 16;

/** After so many keys a list lets others have their turn. */
const LIST_PAGE = 1000;

/** Options of {@link InMemoryLockingProvider}, beside those of every provider. */
export interface InMemoryLockingProviderOptions extends LockingProviderOptions {
  /** Where the leases live. Give several providers the same one to have them exclude each other. */
  store?: MemoryLockStore | undefined;
}

/**
 * Locks within one process: the default, and enough where a single instance runs. The semantics are those of Redis,
 * expiry included.
 *
 * @example
 * LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider, options: { expire: '10s' } }] });
 */
export class InMemoryLockingProvider extends BatchedStore implements QueueingStore, RecordStore, RevokingStore {
  /** The id of a provider of this class that names none. */
  static readonly identifier = 'in-memory';

  /** The options that it has beside those of every provider: any other name is refused at start-up. */
  static readonly optionNames = ['store'];

  private readonly store: MemoryLockStore;
  private processId?: string;
  private recordListener?: RecordListener;

  constructor(options: InMemoryLockingProviderOptions = {}) {
    super();
    this.store = options.store ?? new MemoryLockStore();
  }

  async listen(processId: string, listener: WakeUpListener): Promise<void> {
    this.processId = processId;
    this.store.queues.listen(processId, listener);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.processId !== undefined) this.store.queues.leave(this.processId);
    if (this.recordListener) this.store.records.unwatch(this.recordListener);
    return Promise.resolve();
  }

  acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    return requests.map((request) => Reply.of(this.acquireOne(request)));
  }

  extendBatch(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    return requests.map((request) => Reply.of(this.extendOne(request)));
  }

  releaseBatch(requests: readonly ReleaseRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return requests.map((request) => Reply.of(request.keys.map((key) => this.releaseOne(key, request))));
  }

  cancelBatch(requests: readonly CancelRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return requests.map((request) => Reply.of(request.keys.map((key) => this.cancelOne(key, request))));
  }

  async revoke(keys: readonly string[]): Promise<number> {
    return Promise.resolve(keys.filter((key) => this.revokeOne(key)).length);
  }

  async revokeSeen({ key, ...seen }: Pick<StoredLease, 'key' | 'ownerId' | 'fencingToken'>): Promise<boolean> {
    const lease = this.store.get(key);
    if (lease?.ownerId !== seen.ownerId || lease.fencingToken !== seen.fencingToken) return Promise.resolve(false);
    return Promise.resolve(this.revokeOne(key));
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    return Promise.resolve(keys.map((key) => this.describe(key)));
  }

  async *list(match?: string): AsyncGenerator<StoredLease> {
    const matches = match === undefined ? () => true : globMatcher(match);
    yield* inPages(this.store.keys(), (key) => (matches(key) ? this.describe(key) : null));
  }

  async readRecords(names: readonly string[]): Promise<readonly (StoredRecord | null)[]> {
    return Promise.resolve(names.map((name) => this.store.records.read(name)));
  }

  async writeRecord(request: RecordWrite): Promise<RecordAnswer> {
    return Promise.resolve(this.store.records.write(request));
  }

  async deleteRecord(request: RecordDeletion): Promise<RecordAnswer> {
    return Promise.resolve(this.store.records.delete(request));
  }

  listRecords(prefix: string): AsyncIterable<StoredRecord> {
    const { records } = this.store;
    return inPages(records.names(prefix), (name) => records.read(name));
  }

  async watchRecords(listener: RecordListener): Promise<void> {
    this.recordListener = listener;
    this.store.records.watch(listener);
    return Promise.resolve();
  }

  private acquireOne(request: LeaseRequest): LeaseAnswer {
    const { keys, ownerId, attemptId, ttl, tokens } = request;
    if (this.store.isRefused(attemptId)) return { granted: false, key: keys[0] ?? '', remaining: 0 };
    for (const key of keys) if (!this.mayHave(key, request)) return this.refuse(key, request);
    const token = this.store.nextToken(tokens);
    const expiresAt = this.store.clock.now() + (ttl ?? Infinity);
    const grants = keys.map((key) => {
      if (request.queue) this.store.queues.remove(key, request.processId, attemptId);
      return this.grant(key, ownerId, attemptId, token, expiresAt);
    });
    return {
      granted: true,
      fencingTokens: grants.map(({ fencingToken }) => fencingToken),
      reentered: grants.map(({ attempts }) => attempts.length > 1),
      contended: keys.some((key) => this.store.queues.has(key)),
    };
  }

  private mayHave(key: string, request: LeaseRequest): boolean {
    const lease = this.store.get(key);
    if (lease) return lease.ownerId === request.ownerId;
    return !request.onlyIfOwned && !this.handOff(key, request);
  }

  /** Refuses the request, and queues the process if the request asks for that. */
  private refuse(key: string, request: LeaseRequest): LeaseAnswer {
    const { keys, ownerId, attemptId, ttl, tokens = 1, processId, queue = false } = request;
    const now = this.store.clock.now();
    // Sent twice, it may have been granted the first time: this answer denies the grant, so it is cancelled.
    for (const other of keys) this.cancelGrant(other, ownerId, attemptId);
    const lease = this.store.get(key);
    const refused = { granted: false, key, remaining: remaining(lease?.expiresAt ?? now, now) } as const;
    if (!queue || keys.length > 1) return refused;
    const isFirst = this.store.queues.join(key, { processId, attemptId, ownerId, ttl, tokens, seenAt: now });
    if (isFirst && lease) {
      this.tellHolder(lease, (listener, holding) => {
        listener.contended(key, holding);
      });
    }
    return { ...refused, queued: true, lastToken: this.store.lastToken };
  }

  /**
   * Grants a free key to the first process in the queue that listens.
   *
   * @returns whether another process than that of `asks` has the key now
   */
  private handOff(key: string, asks?: LeaseRequest): boolean {
    const { queues, clock } = this.store;
    while (queues.has(key)) {
      const entry = queues.first(key, clock.now());
      if (!entry) return false;
      queues.shift(key);
      const { processId, attemptId, ownerId, ttl, tokens } = entry;
      if (asks && ((asks.queue && processId === asks.processId) || attemptId === asks.attemptId)) return false;
      const token = this.store.nextToken(tokens);
      const contended = queues.has(key);
      if (
        !queues.tell(processId, (listener) => {
          listener.granted(key, attemptId, token, contended);
        })
      )
        continue;
      const expiresAt = clock.now() + (ttl ?? Infinity);
      this.store.set(key, { ownerId, fencingToken: token, attempts: [attemptId], expiresAt });
      return true;
    }
    return false;
  }

  private tellHolder(lease: MemoryLease, what: (listener: WakeUpListener, attemptId: string) => void): void {
    const attemptId = lease.attempts.at(-1) ?? '';
    this.store.queues.tell(processOf(attemptId), (listener) => {
      what(listener, attemptId);
    });
  }

  private revokeOne(key: string): boolean {
    const lease = this.store.get(key);
    if (!lease) return false;
    this.tellHolder(lease, (listener, attemptId) => {
      listener.lost(key, attemptId);
    });
    this.store.delete(key);
    this.handOff(key);
    return true;
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
    // A key that is kept after its release has no attempts.
    const held = leases.map((lease) => lease?.ownerId === ownerId && lease.attempts.length > 0);
    if (ttl !== null && held.every(Boolean)) {
      const expiresAt = this.store.clock.now() + ttl;
      keys.forEach((key, index) => {
        const lease = leases[index];
        if (lease && lease.expiresAt < expiresAt) this.store.set(key, { ...lease, expiresAt });
      });
    }
    return held;
  }

  private releaseOne(key: string, { ownerId, attemptId, keepFor }: ReleaseRequest): ReleaseOutcome {
    const lease = this.store.get(key);
    if (lease?.ownerId !== ownerId) return 'gone';
    const index = attemptId === undefined ? lease.attempts.length - 1 : lease.attempts.indexOf(attemptId);
    if (attemptId !== undefined && index < 0) return 'kept';
    // Grants before this one end with it: a newer grant stands for the owner.
    return this.keepAttempts(key, lease, lease.attempts.slice(index + 1), keepFor);
  }

  private cancelOne(key: string, { ownerId, attemptId, processId, pending }: CancelRequest): ReleaseOutcome {
    if (pending) this.store.refuse(attemptId);
    this.store.queues.remove(key, processId, attemptId);
    if (!this.store.get(key)) this.handOff(key);
    return this.cancelGrant(key, ownerId, attemptId);
  }

  private cancelGrant(key: string, ownerId: string, attemptId: string): ReleaseOutcome {
    const lease = this.store.get(key);
    if (lease?.ownerId !== ownerId) return 'gone';
    if (!lease.attempts.includes(attemptId)) return 'kept';
    const others = lease.attempts.filter((other) => other !== attemptId);
    return this.keepAttempts(key, lease, others);
  }

  private keepAttempts(key: string, lease: MemoryLease, attempts: readonly string[], keepFor?: number): ReleaseOutcome {
    if (attempts.length > 0) {
      this.store.set(key, { ...lease, attempts });
      return 'kept';
    }
    if (keepFor !== undefined) {
      this.store.set(key, { ...lease, attempts, expiresAt: this.store.clock.now() + keepFor });
    } else {
      this.store.delete(key);
      this.handOff(key);
    }
    return 'freed';
  }

  private describe(key: string): StoredLease | null {
    const lease = this.store.get(key);
    if (!lease) return null;
    const { ownerId, fencingToken, expiresAt } = lease;
    const queue = this.store.queues.processesIn(key);
    return { key, ownerId, fencingToken, ttl: remaining(expiresAt, this.store.clock.now()), queue };
  }
}

/** What `read` finds under each name. */
async function* inPages<Found>(names: readonly string[], read: (name: string) => Found | null): AsyncGenerator<Found> {
  let seen = 0;
  for (const name of names) {
    seen += 1;
    // Without this pause the event loop would not turn until the last name, and no lease would be renewed.
    if (seen % LIST_PAGE === 0) await new Promise((resolve) => setImmediate(resolve));
    const found = read(name);
    if (found !== null) yield await Promise.resolve(found);
  }
}

function remaining(expiresAt: number, now: number): number | null {
  return expiresAt === Infinity ? null : Math.max(0, Math.ceil(expiresAt - now));
}

/** An attempt's id begins with the id of its process. */
function processOf(attemptId: string): string {
  return attemptId.slice(0, Math.max(0, attemptId.lastIndexOf('.')));
}
