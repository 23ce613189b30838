import {
  InMemoryLockingProvider,
  MemoryLockStore,
  type CancelRequest,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type ReleaseOutcome,
  type ReleaseRequest,
} from '../../lib/index.js';
import type { Clock } from '../../lib/engine/runtime/clock.js';
import type { MemoryLease } from '../../lib/providers/memory/memory-lock-store.js';
import type { Watcher } from './watcher.js';

/** A store that reports its grants. */
export class WatchedStore extends MemoryLockStore {
  private readonly ends = new Map<string, number>();

  constructor(
    clock: Clock,
    private readonly watcher: Watcher,
  ) {
    super(clock);
  }

  override set(key: string, lease: MemoryLease): MemoryLease {
    const present = this.get(key);
    const freeSince = this.freeSince(key);
    super.set(key, lease);
    this.ends.set(key, lease.expiresAt);
    if (present?.fencingToken === lease.fencingToken) return lease;
    if (present?.attempts.at(-1) === lease.attempts.at(-1)) this.watcher.grantsAgain(key, lease);
    this.watcher.grants(key, lease, freeSince);
    return lease;
  }

  override delete(key: string): void {
    if (this.get(key)) this.ends.set(key, this.clock.now());
    super.delete(key);
  }

  /** Since when `key` has been free in the store. */
  freeSince(key: string): number | undefined {
    return this.get(key) ? undefined : (this.ends.get(key) ?? 0);
  }
}

/** The store's synchronous handling of one request: no other event comes between an action and its report. */
interface Primitives {
  acquireOne: (request: LeaseRequest) => LeaseAnswer;
  releaseOne: (key: string, request: ReleaseRequest) => ReleaseOutcome;
  extendOne: (request: ExtendRequest) => boolean[];
  cancelOne: (key: string, request: CancelRequest) => ReleaseOutcome;
  revokeOne: (key: string) => boolean;
}

/** The provider of one process. */
export function watchedProvider(process: number, store: WatchedStore, watcher: Watcher): InMemoryLockingProvider {
  const provider = new InMemoryLockingProvider({ store });
  const primitives = provider as unknown as Primitives;
  const { acquireOne, releaseOne, cancelOne, extendOne, revokeOne } = primitives;
  primitives.acquireOne = (request) => {
    const answer = acquireOne.call(provider, request);
    if (answer.granted) watcher.confirms(request.attemptId);
    else if (answer.queued) watcher.queues(process, answer.key, request.attemptId);
    return answer;
  };
  primitives.releaseOne = (key, request) =>
    watcher.releases(process, key, request, () => releaseOne.call(provider, key, request));
  primitives.cancelOne = (key, request) => {
    watcher.dequeues(process, key, request.attemptId);
    return watcher.releases(process, key, request, () => cancelOne.call(provider, key, request));
  };
  primitives.extendOne = (request) => {
    watcher.extends(request);
    return extendOne.call(provider, request);
  };
  primitives.revokeOne = (key) => {
    if (store.get(key)) watcher.revokes(key);
    return revokeOne.call(provider, key);
  };
  return provider;
}
