import { queueMicrotask } from '../../engine/runtime/real-queues.js';
import { StoreNotReachedError, type HeldLease } from '../../provider-api/index.js';
import type { RepairRequest } from '../redis/lease-scripts.js';

/** How soon a node is asked again while it has the key for a contender, in milliseconds: that gives it up soon. */
const RETRY_INTERVAL = 25;

/** A lease that one node lacks, although a majority has just confirmed it. */
export interface Repair extends HeldLease {
  readonly key: string;
  readonly ownerId: string;
  /** Until when the lease lasts on the local clock; `Infinity` never expires. */
  readonly until: number;
  /** Whether the confirmation still counts: it is recent, and this process has not released the key since. */
  readonly isFresh: () => boolean;
  /** Called once, when nothing of it is under way any more. */
  readonly onEnd: () => void;
}

/** How one node is told. */
export interface RepairCalls {
  /** Sends each when it is its turn, unless it is over by then. Resolves with whether the owner has the key there. */
  tell(repairs: readonly Repair[]): PromiseLike<boolean>[];

  /** The repair may have arrived, or may still arrive. */
  cancel(repair: Repair): void;
}

/** The leases to repair on one node. Those of one turn of the event loop travel together. */
export class Repairs {
  private due: Repair[] = [];
  private refused: Repair[] = [];
  private isScheduled = false;
  private retry?: NodeJS.Timeout;

  constructor(private readonly calls: RepairCalls) {}

  add(repair: Repair): void {
    this.due.push(repair);
    if (this.isScheduled) return;
    this.isScheduled = true;
    queueMicrotask(() => {
      this.isScheduled = false;
      this.flush();
    });
  }

  close(): void {
    clearTimeout(this.retry);
    for (const { onEnd } of [...this.due.splice(0), ...this.refused.splice(0)]) onEnd();
  }

  private flush(): void {
    const repairs = this.due.splice(0);
    this.calls.tell(repairs).forEach((answer, index) => {
      const [repair] = repairs.slice(index, index + 1) as [Repair];
      answer.then(
        (isThere) => {
          if (isThere || isOver(repair)) repair.onEnd();
          else this.tryAgain(repair);
        },
        (error: unknown) => {
          if (!(error instanceof StoreNotReachedError)) this.calls.cancel(repair);
          repair.onEnd();
        },
      );
    });
  }

  private tryAgain(repair: Repair): void {
    this.refused.push(repair);
    this.retry ??= setTimeout(() => {
      this.retry = undefined;
      for (const again of this.refused.splice(0)) this.add(again);
    }, RETRY_INTERVAL).unref();
  }
}

/** Sends those that are not over; the others are not there. */
export function sendRepairs(
  repairs: readonly Repair[],
  send: (requests: readonly RepairRequest[]) => PromiseLike<boolean>[],
): PromiseLike<boolean>[] {
  const fresh = repairs.filter((repair) => !isOver(repair));
  const answers = fresh.length > 0 ? send(fresh.map(toRequest)) : [];
  return repairs.map(async (repair) => answers[fresh.indexOf(repair)] ?? false);
}

function isOver({ isFresh, until }: Repair): boolean {
  return !isFresh() || until - performance.now() < 1;
}

function toRequest({ key, ownerId, attemptId, fencingToken, lastToken, until }: Repair): RepairRequest {
  const ttl = until === Infinity ? null : Math.max(1, Math.floor(until - performance.now()));
  return { keys: [key], ownerId, attemptId, fencingToken, lastToken, ttl };
}
