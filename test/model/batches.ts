import { COHORT_GRANTS, COHORT_TIME } from '../../lib/engine/dispatch/local-hand-off.js';
import type { LedgerLock } from './ledger.js';
import { sharedLease } from './inside.js';

/** The grants that a process makes of one shared lease. */
interface Batch {
  readonly process: number;
  readonly key: string;
  /** Whether other processes waited when the store granted the lease, and at each later answer. */
  contended: boolean;
  used: boolean;
  /** When the process heard that others wait. */
  toldAt?: number;
  /** When the process must have heard it, as no fault was in the way. */
  expectedAt?: number;
  /** Its grants since then. */
  count: number;
}

/**
 * Rule: once a process has heard that another one waits, it hands a lease off within itself for a limited time only.
 */
export class Batches {
  private readonly batches = new Map<string, Batch>();

  constructor(
    private readonly now: () => number,
    private readonly othersWait: (key: string, process: number) => boolean,
    private readonly isKnownDeaf: (process: number) => boolean,
    private readonly report: (violation: string) => void,
  ) {}

  /** The store has granted a lease. */
  granted(process: number, key: string, attemptId: string): void {
    const contended = this.othersWait(key, process);
    this.batches.set(attemptId, { process, key, contended, used: false, count: 0 });
  }

  /** The store has answered that the attempt is granted, perhaps once more. */
  confirmed(attemptId: string): void {
    const batch = this.batches.get(attemptId);
    if (batch?.contended) batch.contended = this.othersWait(batch.key, batch.process);
  }

  /** The process has heard that others wait, or must assume so. */
  told(attemptId: string): void {
    const batch = this.batches.get(attemptId);
    if (batch) batch.toldAt ??= this.now();
  }

  /** The process must hear now that others wait. */
  expectTold(attemptId: string): void {
    const batch = this.batches.get(attemptId);
    if (batch) batch.expectedAt ??= this.now();
  }

  /** The process knows that it gets no wake-ups: it must assume for all its leases that others wait. */
  knowsDeaf(process: number, has: (key: string, attemptId: string) => boolean): void {
    for (const [attemptId, batch] of this.batches) {
      if (batch.process === process && has(batch.key, attemptId)) this.told(attemptId);
    }
  }

  /** The process gets no messages for now: an expected one may not have come. */
  deafened(process: number): void {
    for (const batch of this.batches.values()) if (batch.process === process) batch.expectedAt = undefined;
  }

  obtained({ handle, process }: LedgerLock): void {
    const batch = this.batches.get(sharedLease(handle)?.attemptId ?? '');
    if (!batch) return;
    const isFirst = !batch.used;
    batch.used = true;
    // Before its first grant the process may not have known of its lease.
    if (isFirst && (batch.contended || this.isKnownDeaf(process))) batch.toldAt ??= this.now();
    const toldAt = Math.min(batch.toldAt ?? Infinity, batch.expectedAt ?? Infinity);
    if (toldAt === Infinity) return;
    batch.count += 1;
    const since = this.now() - toldAt;
    // The clock of the process may be a little slow.
    const isOver = batch.count > COHORT_GRANTS + 1 || since > COHORT_TIME;
    if (isOver && !isFirst && this.othersWait(batch.key, process)) {
      const times = `${batch.count} times and for ${since} ms`;
      this.report(`ORDER: P${process} has handed ${batch.key} off within itself ${times} while others waited`);
    }
  }
}
