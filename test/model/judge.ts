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

/** What is judged: several processes on one store. */
export interface Stage {
  readonly clock: ManualClock;
  readonly store: WatchedStore;
  readonly processes: readonly Actor[];
  /** Whether the store has lines. */
  readonly listening: boolean;
}

/** One process, as far as the rules ask after it. */
export interface Actor {
  readonly engine: LockEngine;
  /** Since when it has not been frozen, and no call of it has gone wrong. */
  readonly calmSince: number;
  /** Whether its timers are held up. */
  readonly frozen: boolean;
  readonly channel: {
    /** Whether the store finds somebody there. */
    readonly isOpen: boolean;
    /** Whether what the store says now is heard at once. */
    readonly isClear: boolean;
    /** Whether the process knows that it hears nothing. */
    readonly isKnownDeaf: boolean;
    /** Whether it has ever been told that it will hear what concerns it. */
    readonly hasOpened: boolean;
  };
}

/** Holds what happens in the store, and what processes hear of it, against every rule. */
export class Judge implements Watcher {
  readonly ledger: Ledger;
  private readonly precedence: Precedence;
  private readonly batches: Batches;
  private readonly pauses: Pauses;
  private readonly addresses = new Map<string, number>();
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
      this.ledger.fault(`LISTEN: P${process} wants to stand in line, and does not listen yet`);
    }
    this.addresses.set(processId, process);
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

  strikesOff(process: number, key: string, attemptId: string): void {
    this.precedence.struckOff(process, key, attemptId);
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

  forces(key: string): void {
    this.ledger.forced(key);
  }

  confirms(attemptId: string): void {
    this.batches.confirmed(attemptId);
  }

  hearsOfWaiters(process: number, key: string, attemptId: string): void {
    if (this.has(process, key, attemptId)) this.batches.told(attemptId);
  }

  /** What is said to `process` does not arrive for now. */
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
    this.pauses.note(this.ledger.firstInLine);
  }

  obtains(caller: Caller, handle: LedgerLock['handle'], ofJob: boolean): LedgerLock {
    const lock = this.ledger.obtained(caller, handle, ofJob);
    this.batches.obtained(lock);
    this.pauses.note(this.ledger.firstInLine);
    return lock;
  }

  /** What has to hold at any moment. */
  look(): void {
    this.ledger.checkExclusion();
    this.ledger.checkSignals((process) => this.stage.processes[process]!.frozen);
    this.pauses.note(this.ledger.firstInLine);
    this.pauses.checkAll((key) => this.stage.store.freeSince(key));
  }

  /** Whether the process may have failed to give up a place, which the store then drops when it comes upon it. */
  mayBeForgotten({ processId, seenAt }: QueueEntry): boolean {
    const process = this.addresses.get(processId)!;
    return this.ledger.leftBehind.has(process) || this.stage.processes[process]!.calmSince >= seenAt;
  }

  /** In the store's line, or, where it has none, by asking again and again. */
  private othersWait(key: string, process: number): boolean {
    if (this.precedence.othersWait(key, process)) return true;
    return (
      !this.stage.listening &&
      this.ledger.firstInLine.some((caller) => caller.process !== process && caller.keys.includes(key))
    );
  }

  private has(process: number, key: string, attemptId: string): boolean {
    return leaseIn(this.stage.processes[process]!.engine, key)?.attemptId === attemptId;
  }

  private processOf(attemptId: string): number | undefined {
    return this.addresses.get(addressOf(attemptId));
  }
}

/** An attempt's id begins with the address of its process. */
function addressOf(attemptId: string): string {
  return attemptId.slice(0, attemptId.lastIndexOf('.'));
}
