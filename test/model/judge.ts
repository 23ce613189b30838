import type { LeaseRequest, ReleaseOutcome, ReleaseRequest, ExtendRequest } from '../../lib/index.js';
import type { MemoryLease } from '../../lib/providers/memory/memory-lock-store.js';
import type { LockEngine } from '../../lib/engine/lock-engine.js';
import type { ManualClock } from '../../lib/testing/index.js';
import type { QueueEntry } from '../../lib/providers/memory/memory-queues.js';
import { Batches } from './batches.js';
import { leaseIn } from './inside.js';
import { Ledger, type Caller, type LedgerLock } from './ledger.js';
import { Pauses } from './pauses.js';
import { Precedence } from './precedence.js';
import type { Watcher } from './watcher.js';
import type { WatchedStore } from './watched-store.js';

/** The processes and the store that the rules are about. */
export interface Stage {
  readonly clock: ManualClock;
  readonly store: WatchedStore;
  readonly processes: readonly Actor[];
  /** Whether the store has queues. */
  readonly listening: boolean;
}

/** One process, as far as the rules need to know it. */
export interface Actor {
  readonly engine: LockEngine;
  /** Since when it has not been frozen, and none of its calls has failed. */
  readonly calmSince: number;
  /** Whether its timers are delayed. */
  readonly frozen: boolean;
  readonly channel: {
    /** Whether the store finds a subscriber there. */
    readonly isOpen: boolean;
    /** Whether the process gets a message of the store at once. */
    readonly isClear: boolean;
    /** Whether the process knows that it gets no messages. */
    readonly isKnownDeaf: boolean;
    /** Whether the process has ever been subscribed, and told so. */
    readonly hasOpened: boolean;
  };
}

/** Checks every rule against the events in the store and the messages to processes. */
export class Judge implements Watcher {
  readonly ledger: Ledger;
  private readonly precedence: Precedence;
  private readonly batches: Batches;
  private readonly pauses: Pauses;
  private readonly processIds = new Map<string, number>();
  /** How many tokens an attempt has asked for. */
  private readonly tokens = new Map<string, number>();

  constructor(private readonly stage: Stage) {
    const now = (): number => stage.clock.now();
    const report = (violation: string): void => this.ledger.fault(violation);
    const calmSince = (process: number): number => stage.processes[process]!.calmSince;
    this.ledger = new Ledger(now);
    this.precedence = new Precedence(
      now,
      { isThere: (process) => stage.processes[process]!.channel.isOpen, calmSince },
      report,
    );
    this.batches = new Batches(
      now,
      (key, process) => this.othersWait(key, process),
      (process) => stage.processes[process]!.channel.isKnownDeaf,
      report,
    );
    this.pauses = new Pauses(now, calmSince, report);
  }

  asks(process: number, { attemptId, processId, tokens = 1, queue }: LeaseRequest): void {
    if (queue && !this.stage.processes[process]!.channel.hasOpened) {
      this.ledger.fault(`LISTEN: P${process} wants to queue, and is not subscribed yet`);
    }
    this.processIds.set(processId, process);
    this.tokens.set(attemptId, tokens);
  }

  grants(key: string, lease: MemoryLease, freeSince: number | undefined): void {
    const attemptId = lease.attempts.at(-1) ?? '';
    const process = this.processOf(attemptId)!;
    this.ledger.granted(process, key, attemptId, lease.fencingToken, this.tokens.get(attemptId) ?? 1);
    this.precedence.granted(process, key, attemptId, freeSince === undefined);
    this.batches.granted(process, key, attemptId);
    if (freeSince !== undefined) this.pauses.check(key, freeSince);
  }

  grantsAgain(key: string, { attempts, fencingToken }: MemoryLease): void {
    this.ledger.fault(`TOKEN: ${key} was granted to ${attempts.at(-1)} once more, now with ${fencingToken}`);
  }

  queues(process: number, key: string, attemptId: string): void {
    this.precedence.queued(process, key, attemptId);
    if (!this.precedence.isFirst(key, process)) return;
    const attemptInTheWay = this.stage.store.get(key)?.attempts.at(-1) ?? '';
    const holder = this.processOf(attemptInTheWay);
    if (holder === undefined || !this.stage.processes[holder]!.channel.isClear) return;
    if (this.has(holder, key, attemptInTheWay)) this.batches.expectTold(attemptInTheWay);
  }

  dequeues(process: number, key: string, attemptId: string): void {
    this.precedence.dequeued(process, key, attemptId);
  }

  releases(process: number, key: string, request: ReleaseRequest, carryOut: () => ReleaseOutcome): ReleaseOutcome {
    const newest = this.ledger.lastToken(key);
    const outcome = carryOut();
    this.ledger.released(process, key, request, outcome, newest);
    return outcome;
  }

  extends(request: ExtendRequest): void {
    this.ledger.extended(request);
  }

  revokes(key: string): void {
    this.ledger.revoked(key);
  }

  confirms(attemptId: string): void {
    this.batches.confirmed(attemptId);
  }

  hearsOfWaiters(process: number, key: string, attemptId: string): void {
    if (this.has(process, key, attemptId)) this.batches.told(attemptId);
  }

  /** Messages to `process` do not arrive for now. */
  freezes(process: number): void {
    this.batches.deafened(process);
  }

  knowsDeaf(process: number): void {
    this.batches.knowsDeaf(process, (key, attemptId) => this.has(process, key, attemptId));
  }

  goesDeaf(process: number): void {
    this.batches.deafened(process);
    this.precedence.interrupted(process);
  }

  joins(caller: Caller): void {
    this.ledger.callers.push(caller);
    this.pauses.note(this.ledger.firstWaiters);
  }

  obtains(caller: Caller, handle: LedgerLock['handle'], ofJob: boolean): LedgerLock {
    const lock = this.ledger.obtained(caller, handle, ofJob);
    this.batches.obtained(lock);
    this.pauses.note(this.ledger.firstWaiters);
    return lock;
  }

  /** Checks the rules that hold at any moment. */
  look(): void {
    this.ledger.checkExclusion();
    this.ledger.checkSignals((process) => this.stage.processes[process]!.frozen);
    this.pauses.note(this.ledger.firstWaiters);
    this.pauses.checkAll((key) => this.stage.store.freeSince(key));
  }

  /** Whether the process may have failed to cancel a queue entry, which the store drops when it finds it. */
  mayBeForgotten({ processId, seenAt }: QueueEntry): boolean {
    const process = this.processIds.get(processId)!;
    return this.ledger.leftBehind.has(process) || this.stage.processes[process]!.calmSince >= seenAt;
  }

  /** Whether other processes wait: in the queue of the store, or by polling if the store has none. */
  private othersWait(key: string, process: number): boolean {
    if (this.precedence.othersWait(key, process)) return true;
    return (
      !this.stage.listening &&
      this.ledger.firstWaiters.some((caller) => caller.process !== process && caller.keys.includes(key))
    );
  }

  private has(process: number, key: string, attemptId: string): boolean {
    return leaseIn(this.stage.processes[process]!.engine, key)?.attemptId === attemptId;
  }

  private processOf(attemptId: string): number | undefined {
    return this.processIds.get(processIdOf(attemptId));
  }
}

/** The id of an attempt begins with that of its process. */
function processIdOf(attemptId: string): string {
  return attemptId.slice(0, attemptId.lastIndexOf('.'));
}
