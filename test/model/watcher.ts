import type { LeaseRequest, ReleaseOutcome, ReleaseRequest, ExtendRequest } from '../../lib/index.js';
import type { MemoryLease } from '../../lib/providers/memory/memory-lock-store.js';

/** Gets every event in the store at once, and the requests and messages of processes. */
export interface Watcher {
  /** The store grants a key a second time to the attempt that has it. */
  grantsAgain(key: string, lease: MemoryLease): void;

  /** A process sends a request for leases, which may arrive or not. */
  asks(process: number, request: LeaseRequest): void;

  /** The store grants `key` to the attempt of `lease`, by request or by hand-off. It was free from `freeSince` on. */
  grants(key: string, lease: MemoryLease, freeSince: number | undefined): void;

  /** The store answers that an attempt is granted, now or before. */
  confirms(attemptId: string): void;

  /** The store puts an attempt into the queue. */
  queues(process: number, key: string, attemptId: string): void;

  /** The store removes an attempt from the queue. */
  dequeues(process: number, key: string, attemptId: string): void;

  /** The store gets a request to release `key`. */
  releases(process: number, key: string, request: ReleaseRequest, carryOut: () => ReleaseOutcome): ReleaseOutcome;

  extends(request: ExtendRequest): void;

  /** The store revokes `key`. */
  revokes(key: string): void;

  /** A process hears that another one waits for its key. */
  hearsOfWaiters(process: number, key: string, attemptId: string): void;

  /** A process learns that it gets no messages for now. */
  knowsDeaf(process: number): void;

  /** The subscription of a process is gone: the store finds no subscriber there. */
  goesDeaf(process: number): void;
}
