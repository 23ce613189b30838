import type { Clock, ClockTimer } from '../../engine/runtime/clock.js';
import { systemClock } from '../../engine/runtime/system-clock.js';
import { KeyMap } from '../../engine/runtime/key-map.js';
import { MemoryQueues } from './memory-queues.js';
import { MemoryRecords } from './memory-records.js';

/** One lease as it stands in memory. */
export interface MemoryLease {
  readonly ownerId: string;
  /** Of the newest grant. */
  readonly fencingToken: number;
  /** The attempts whose grants stand, oldest first: the owner may have taken the key more than once. */
  readonly attempts: readonly string[];
  /** On the store's clock; `Infinity` never expires. */
  readonly expiresAt: number;
}

/** How often leases that ran out unreleased are swept away, in milliseconds. */
const SWEEP_INTERVAL = 30_000;

/** How long a tombstone refuses an attempt that was cancelled before it arrived, in milliseconds. */
const TOMBSTONE_FOR = 3_600_000;

/**
 * The leases and records of a process. Providers that are given the same store exclude each other; each has its own without one.
 *
 * @example
 * const store = new MemoryLockStore();
 * LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider, options: { store } }] });
 */
export class MemoryLockStore {
  private readonly leases = new KeyMap<MemoryLease>();
  private readonly tombstones = new Map<string, number>();
  private last = 0;
  private sweeper?: ClockTimer;

  /** @internal */
  readonly queues = new MemoryQueues();

  /** @internal */
  readonly records: MemoryRecords;

  constructor(
    /** @internal */
    readonly clock: Clock = systemClock,
  ) {
    this.records = new MemoryRecords(clock);
  }

  /** @internal The lease that holds `key` now. */
  get(key: string): MemoryLease | undefined {
    const lease = this.leases.get(key);
    if (lease && lease.expiresAt <= this.clock.now()) {
      this.leases.delete(key);
      return undefined;
    }
    return lease;
  }

  /** @internal */
  set(key: string, lease: MemoryLease): MemoryLease {
    this.leases.set(key, lease);
    if (lease.expiresAt !== Infinity) this.scheduleSweep();
    return lease;
  }

  /** @internal */
  delete(key: string): void {
    this.leases.delete(key);
    if (this.leases.size === 0) this.stopSweeping();
  }

  /** @internal */
  keys(): string[] {
    return this.leases.entries().map(([key]) => key);
  }

  /** @internal The first of `count` tokens, greater than every one before, also over a restart of the process. */
  nextToken(count = 1): number {
    const first = Math.max(this.last + 1, Math.floor(this.clock.epochMicroseconds()));
    this.last = first + count - 1;
    return first;
  }

  /** @internal The greatest token so far. */
  get lastToken(): number {
    return this.last;
  }

  /** @internal A cancelled attempt: should its request arrive (again), it is refused. */
  refuse(attemptId: string): void {
    const now = this.clock.now();
    for (const [earlier, until] of this.tombstones) {
      if (until > now) break;
      this.tombstones.delete(earlier);
    }
    this.tombstones.delete(attemptId);
    this.tombstones.set(attemptId, now + TOMBSTONE_FOR);
  }

  /** @internal */
  isRefused(attemptId: string): boolean {
    if (this.tombstones.size === 0) return false;
    const until = this.tombstones.get(attemptId);
    return until !== undefined && until > this.clock.now();
  }

  private stopSweeping(): void {
    this.sweeper?.cancel();
    this.sweeper = undefined;
  }

  private scheduleSweep(): void {
    this.sweeper ??= this.clock.setTimer(
      () => {
        this.sweeper = undefined;
        let expiring = false;
        for (const key of this.keys()) expiring = (this.get(key)?.expiresAt ?? Infinity) !== Infinity || expiring;
        if (expiring) this.scheduleSweep();
      },
      SWEEP_INTERVAL,
      false,
    );
  }
}
