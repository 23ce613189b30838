import type { LeaseRequest, ReleaseOutcome, ReleaseRequest, ExtendRequest } from '../../lib/index.js';
import type { MemoryLease } from '../../lib/providers/memory/memory-lock-store.js';

/** Is told of everything that happens in the store, at the very moment, and of what processes ask and hear. */
export interface Watcher {
  /** The store grants an attempt once more what stands as its grant. */
  grantsAgain(key: string, lease: MemoryLease): void;

  /** A process sends a request for leases, which may arrive or not. */
  asks(process: number, request: LeaseRequest): void;

  /** The store gives `key` to the attempt of `lease`, asked or in its turn; it was free from `freeSince` on, if it was. */
  grants(key: string, lease: MemoryLease, freeSince: number | undefined): void;

  /** The store answers that an attempt is granted, now or before. */
  confirms(attemptId: string): void;

  /** The store lets an attempt stand in line. */
  queues(process: number, key: string, attemptId: string): void;

  /** The store strikes an attempt off the line. */
  strikesOff(process: number, key: string, attemptId: string): void;

  /** The store has a request to give up `key`. */
  releases(process: number, key: string, request: ReleaseRequest, carryOut: () => ReleaseOutcome): ReleaseOutcome;

  extends(request: ExtendRequest): void;

  /** The store takes `key` from its holder. */
  forces(key: string): void;

  /** A process hears that somebody stands in line for what it has. */
  hearsOfWaiters(process: number, key: string, attemptId: string): void;

  /** A process learns that it hears nothing for now. */
  knowsDeaf(process: number): void;

  /** The subscription of a process is gone: the store finds nobody there. */
  goesDeaf(process: number): void;
}
