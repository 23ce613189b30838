import type {
  CancelRequest,
  ExtendRequest,
  LeaseAnswer,
  LeaseRequest,
  ReleaseOutcome,
  ReleaseRequest,
  StoredLease,
} from './lease-requests.js';
import type { LeaseStore } from './lease-store.js';

/**
 * A store that serves the requests of a batch in one round trip. It carries them out in their order, and gives one
 * answer per request, a promise: the failure of one request does not touch the others.
 */
export interface BatchingStore extends LeaseStore {
  /**
   * How many acquires are worth a call of their own: a whole number, 1 or more. Whenever so many have come together in a turn
   * of the event loop, the engine sends them, with all other requests so far, while callers go on asking: the store works
   * meanwhile, and may be called several times in a turn. Without it the requests of a turn go out together, which is
   * better where a call costs a commit.
   */
  readonly pipelinedBatch?: number;

  /** {@link LeaseStore.acquire} for each request. */
  acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[];

  /** {@link LeaseStore.extend} for each request. */
  extendBatch(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[];

  /** {@link LeaseStore.release} for each request. */
  releaseBatch(requests: readonly ReleaseRequest[]): PromiseLike<readonly ReleaseOutcome[]>[];

  /** {@link LeaseStore.cancel} for each request. */
  cancelBatch(requests: readonly CancelRequest[]): PromiseLike<readonly ReleaseOutcome[]>[];
}

/** Serves single requests as batches of one. A {@link BatchingStore} may extend it. */
export abstract class BatchedStore implements BatchingStore {
  abstract acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[];
  abstract extendBatch(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[];
  abstract releaseBatch(requests: readonly ReleaseRequest[]): PromiseLike<readonly ReleaseOutcome[]>[];
  abstract cancelBatch(requests: readonly CancelRequest[]): PromiseLike<readonly ReleaseOutcome[]>[];
  abstract revoke(keys: readonly string[]): Promise<number>;
  abstract inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]>;
  abstract list(match?: string): AsyncIterable<StoredLease>;
  abstract close(): Promise<void>;

  async acquire(request: LeaseRequest): Promise<LeaseAnswer> {
    return only(this.acquireBatch([request]));
  }

  async extend(request: ExtendRequest): Promise<readonly boolean[]> {
    return only(this.extendBatch([request]));
  }

  async release(request: ReleaseRequest): Promise<readonly ReleaseOutcome[]> {
    return only(this.releaseBatch([request]));
  }

  async cancel(request: CancelRequest): Promise<readonly ReleaseOutcome[]> {
    return only(this.cancelBatch([request]));
  }
}

/** Whether `store` has the four methods for batches. */
export function isBatching(store: LeaseStore): store is BatchingStore {
  const { acquireBatch, extendBatch, releaseBatch, cancelBatch } = store as Partial<BatchingStore>;
  return [acquireBatch, extendBatch, releaseBatch, cancelBatch].every((method) => typeof method === 'function');
}

async function only<Answer>([answer]: readonly PromiseLike<Answer>[]): Promise<Answer> {
  if (!answer) throw new Error('the store gave no answer to a request');
  return answer;
}
