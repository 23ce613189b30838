import { COHORT_GRANTS, COHORT_TIME } from '../../lib/engine/dispatch/local-hand-off.js';
import type { LedgerLock } from './ledger.js';
import { sharedLease } from './inside.js';

/** The grants that a process makes of one lease, which goes by its attempt. */
interface Batch {
  readonly process: number;
  readonly key: string;
  /** Whether others stood in line when the store granted the lease, and whenever it was asked again. */
  wanted: boolean;
  used: boolean;
  /** When the process was told that others wait. */
  toldAt?: number;
  /** When it must have been, as nothing stood between. */
  expectedAt?: number;
  /** How many grants it has made since. */
  count: number;
}

/** While another process waits, and it has been told so, a process hands a lease on within itself for a while only. */
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
    const wanted = this.othersWait(key, process);
    this.batches.set(attemptId, { process, key, wanted, used: false, count: 0 });
  }

  /** The store has said so, perhaps once more. */
  confirmed(attemptId: string): void {
    const batch = this.batches.get(attemptId);
    if (batch?.wanted) batch.wanted = this.othersWait(batch.key, batch.process);
  }

  /** The process has heard that others wait, or has to reckon with them. */
  told(attemptId: string): void {
    const batch = this.batches.get(attemptId);
    if (batch) batch.toldAt ??= this.now();
  }

  /** The process should hear so now. */
  expectTold(attemptId: string): void {
    const batch = this.batches.get(attemptId);
    if (batch) batch.expectedAt ??= this.now();
  }

  /** The process knows that it does not hear of others: it has to reckon with them, whatever it has. */
  knowsDeaf(process: number, has: (key: string, attemptId: string) => boolean): void {
    for (const [attemptId, batch] of this.batches) {
      if (batch.process === process && has(batch.key, attemptId)) this.told(attemptId);
    }
  }

  /** The process hears nothing more for now: what was expected may not have come. */
  deafened(process: number): void {
    for (const batch of this.batches.values()) if (batch.process === process) batch.expectedAt = undefined;
  }

  obtained({ handle, process }: LedgerLock): void {
    const batch = this.batches.get(sharedLease(handle)?.attemptId ?? '');
    if (!batch) return;
    const isFirst = !batch.used;
    batch.used = true;
    // Until then nobody can say that the process knew of its lease.
    if (isFirst && (batch.wanted || this.isKnownDeaf(process))) batch.toldAt ??= this.now();
    const toldAt = Math.min(batch.toldAt ?? Infinity, batch.expectedAt ?? Infinity);
    if (toldAt === Infinity) return;
    batch.count += 1;
    const since = this.now() - toldAt;
    // The clock of the process may be a little slow.
    const isOver = batch.count > COHORT_GRANTS + 1 || since > COHORT_TIME;
    if (isOver && !isFirst && this.othersWait(batch.key, process)) {
      const times = `${batch.count} times and for ${since} ms`;
      this.report(`ORDER: P${process} has handed ${batch.key} on within itself ${times} while others waited`);
    }
  }
}
