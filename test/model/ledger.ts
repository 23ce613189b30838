import type { HeldLock } from '../../lib/engine/lock/held-lock.js';
import type { ExtendRequest, ReleaseOutcome, ReleaseRequest } from '../../lib/index.js';
import { leasesOf, sharedLease } from './inside.js';

/** A lock as its holder has it. */
export interface LedgerLock {
  readonly process: number;
  readonly handle: HeldLock;
  /** Whether the engine releases it when the job ends. */
  readonly ofJob: boolean;
  /** Whether the holder has asked for its release, or its job has ended. */
  ended: boolean;
  /** The signal, if the holder has watched it from the beginning. */
  readonly signal?: AbortSignal;
}

/** A key that was revoked, or released by its owner in another process: its holders learn of it later. */
interface Freed {
  readonly key: string;
  /** The token of the newest grant at that time. */
  readonly token: number;
  /** The releasing owner and process. The process itself must know of it, unless the release named no attempt. */
  readonly by?: { readonly process: number | undefined; readonly ownerId: string };
}

/** A caller, from its call to its end. */
export interface Caller {
  readonly process: number;
  readonly keys: readonly string[];
  readonly ownerId: string | undefined;
  readonly abort: AbortController;
  /** When its wait times out. */
  readonly deadline: number;
  done: boolean;
}

/** Tokens that the store has reserved with a grant. */
interface TokenBlock {
  readonly process: number;
  readonly first: number;
  readonly last: number;
}

interface JobRun {
  readonly lock: LedgerLock;
  readonly start: number;
  end: number;
}

/** Everything that has happened, and the violations among it. */
export class Ledger {
  readonly violations: string[] = [];
  readonly locks: LedgerLock[] = [];
  readonly callers: Caller[] = [];
  /** Keys that stay held for a while after their release, by owner. */
  readonly keptUntil = new Map<string, number>();
  /** Processes that were shut down during faults: leases that they could not release expire by themselves. */
  readonly leftBehind = new Set<number>();
  /** The process with the newest grant of each key. */
  private readonly granters = new Map<string, number>();
  private readonly blocks = new Map<string, TokenBlock[]>();
  /** The last token of each key and attempt. */
  private readonly grants = new Map<string, number>();
  /** The greatest token of each key that a holder has had, and that holder. */
  private readonly obtainedTokens = new Map<string, { token: number; ownerId: string }>();
  private readonly freed: Freed[] = [];
  private readonly goodRuns: JobRun[] = [];

  constructor(private readonly now: () => number) {}

  /** The store has granted `count` tokens of a key, from `first` on: tokens grow. */
  granted(process: number, key: string, attemptId: string, first: number, count: number): void {
    const before = this.lastToken(key);
    if (first <= before) this.fault(`TOKEN: ${key} was granted with ${first} to P${process} after ${before}`);
    const last = first + count - 1;
    this.granters.set(key, process);
    this.grants.set(`${key} ${attemptId}`, last);
    this.blocks.set(key, [...(this.blocks.get(key) ?? []), { process, first, last }]);
  }

  /** @param newest - the last token of the key before the release */
  released(
    process: number,
    key: string,
    { ownerId, attemptId, keepFor }: ReleaseRequest,
    outcome: ReleaseOutcome,
    newest: number,
  ): void {
    if (outcome !== 'freed') return;
    if (keepFor !== undefined) this.keptUntil.set(`${key} ${ownerId}`, this.now() + keepFor);
    const token = attemptId === undefined ? newest : (this.grants.get(`${key} ${attemptId}`) ?? 0);
    this.freed.push({ key, token, by: { process: attemptId === undefined ? undefined : process, ownerId } });
  }

  /** A key that is kept for a while after its release may still be extended, also by a late renewal. */
  extended({ keys, ownerId, ttl }: ExtendRequest): void {
    for (const key of keys) {
      const kept = this.keptUntil.get(`${key} ${ownerId}`);
      if (kept !== undefined && ttl !== null) this.keptUntil.set(`${key} ${ownerId}`, Math.max(kept, this.now() + ttl));
    }
  }

  revoked(key: string): void {
    this.freed.push({ key, token: this.lastToken(key) });
  }

  /** A caller has got its lock: no earlier caller of its process may still wait. */
  obtained(caller: Caller, handle: HeldLock, ofJob: boolean): LedgerLock {
    caller.done = true;
    const lock = { process: caller.process, handle, ofJob, ended: false, signal: handle.signal };
    this.locks.push(lock);
    this.checkExclusion();
    this.checkTokens(lock);
    this.checkTime(lock);
    if (caller.ownerId === undefined) {
      const earlier = this.callers.slice(0, this.callers.indexOf(caller));
      const passed = earlier.find(
        ({ process, keys, done, ownerId, abort }) =>
          process === caller.process &&
          !done &&
          ownerId === undefined &&
          !abort.signal.aborted &&
          // A caller of several keys lets others pass, but not callers of the same keys.
          (keys.length === 1 ? caller.keys.includes(keys[0]!) : keys.join() === caller.keys.join()),
      );
      if (passed) {
        this.fault(`ORDER: [${caller.keys.join()}] in P${caller.process} was served before [${passed.keys.join()}]`);
      }
    }
    return lock;
  }

  /** Rule: each holder of a key has a greater token than all before it, with or without hand-off in the process. */
  private checkTokens(lock: LedgerLock): void {
    const { handle, process } = lock;
    for (const key of handle.keys) {
      const token = handle.fencingTokenFor(key);
      const last = this.obtainedTokens.get(key);
      const isSetAside = (this.blocks.get(key) ?? []).some(
        (block) => block.process === process && block.first <= token && token <= block.last,
      );
      if (!isSetAside) this.fault(`TOKEN: P${process} has ${key} with ${token}, which it was never given`);
      if (last && token <= last.token && last.ownerId !== handle.ownerId && handle.held) {
        if (!this.wasFreedElsewhere(lock, key)) {
          this.fault(`TOKEN: P${process} has ${key} with ${token}, after ${last.token}`);
        }
      }
      if (!last || token > last.token) this.obtainedTokens.set(key, { token, ownerId: handle.ownerId });
    }
  }

  /** Rule: no two owners hold the same key. */
  checkExclusion(): void {
    const holders = new Map<string, LedgerLock>();
    for (const lock of this.locks) {
      if (!lock.handle.held) continue;
      for (const key of lock.handle.keys) {
        if (this.wasFreedElsewhere(lock, key)) continue;
        const other = holders.get(key);
        if (other && other.handle.ownerId !== lock.handle.ownerId) {
          this.fault(`EXCLUSION: ${key} is held in P${other.process} and in P${lock.process} at ${this.now()}`);
        }
        holders.set(key, lock);
      }
    }
  }

  /** Rule: at least a third of a lease is left when it is handed off within a process. */
  private checkTime({ process, handle }: LedgerLock): void {
    const ttl = sharedLease(handle)?.ttl;
    if (typeof ttl !== 'number' || handle.remaining >= ttl / 3) return;
    this.fault(`TIME: P${process} has ${handle.keys.join()} with ${handle.remaining} of ${ttl} ms left`);
  }

  /** Rule: the signal of a lost lock has aborted, unless its process is frozen. */
  checkSignals(isFrozen: (process: number) => boolean): void {
    for (const { process, handle, ended, signal } of this.locks) {
      if (!signal || signal.aborted || ended || handle.held || isFrozen(process)) continue;
      this.fault(`SIGNAL: P${process} has not been told that ${handle.keys.join()} is lost, at ${this.now()}`);
    }
  }

  /** A job has run, and its caller was told that it held the lock throughout. */
  ranWell(run: JobRun): void {
    const { handle, process } = run.lock;
    for (const other of this.goodRuns) {
      const key = handle.keys.find((one) => other.lock.handle.keys.includes(one));
      if (key === undefined || other.lock.handle.ownerId === handle.ownerId) continue;
      if (this.wasFreedElsewhere(run.lock, key) || this.wasFreedElsewhere(other.lock, key)) continue;
      if (run.start < other.end && other.start < run.end) {
        this.fault(`JOBS: both P${process} and P${other.lock.process} ran a job under ${key} at ${run.start}`);
      }
    }
    this.goodRuns.push(run);
  }

  /** Whether a holder still has to release what `ownerId` holds of `key` in the store. */
  isAccountedFor(key: string, ownerId: string): boolean {
    if ((this.keptUntil.get(`${key} ${ownerId}`) ?? 0) >= this.now()) return true;
    return this.locks.some(
      ({ handle, ended }) => !ended && leasesOf(handle).some((lease) => lease.key === key && lease.ownerId === ownerId),
    );
  }

  /** Whether the newest grant of `key` went to a process that could not release it when it was shut down. */
  isLeftBehind(key: string): boolean {
    return this.leftBehind.has(this.granters.get(key) ?? -1);
  }

  /** The callers that are first in the queue of a key in their process. */
  get firstWaiters(): Caller[] {
    const taken = new Set<string>();
    return this.callers.filter(({ done, process, keys }) => {
      if (done) return false;
      const queues = keys.map((key) => `${process} ${key}`);
      const isFirst = !queues.some((queue) => taken.has(queue));
      // Callers of several keys let others pass.
      if (keys.length === 1) for (const queue of queues) taken.add(queue);
      return isFirst;
    });
  }

  /** Locks that their holders may release now. */
  get returnable(): LedgerLock[] {
    return this.locks.filter(({ ofJob, ended }) => !ofJob && !ended);
  }

  private wasFreedElsewhere({ process, handle }: LedgerLock, key: string): boolean {
    return this.freed.some(
      ({ key: freed, token, by }) =>
        freed === key &&
        token >= handle.fencingTokenFor(key) &&
        (!by || (by.process !== process && isSameOwner(by.ownerId, handle.ownerId))),
    );
  }

  lastToken(key: string): number {
    return this.blocks.get(key)?.at(-1)?.last ?? 0;
  }

  fault(message: string): void {
    this.violations.push(message);
  }
}

/** The store knows a shared lease only by its first holder in the process, so ids of one process count as one owner. */
function isSameOwner(one: string, other: string): boolean {
  return one === other || (one.includes('.') && processIdOf(one) === processIdOf(other));
}

/** The process id that generated ids begin with. */
function processIdOf(id: string): string {
  return id.slice(0, id.lastIndexOf('.'));
}
