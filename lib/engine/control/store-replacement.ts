import type { Acquirer } from '../acquire/acquirer.js';
import type { Renewer } from '../hold/renewer.js';
import { isCancel, type EndRequest } from '../../provider-api/index.js';
import type { ReleaseRetry } from '../store/release-retry.js';
import type { StoreCalls } from '../store/store-calls.js';

/**
 * Mends what a new server of the store lacks: it may not have the last writes of the former one. It may still hold locks
 * that were released in the last seconds, so these releases are repeated; waiters may have lost their queue entries, so
 * they ask; and locks may be gone, so the store is asked after each.
 */
export class StoreReplacement {
  /** Called once this process has begun to mend. */
  readonly listeners = new Set<() => void>();

  constructor(
    private readonly calls: StoreCalls,
    private readonly retry: ReleaseRetry,
    private readonly renewer: Renewer,
    private readonly acquirer: Acquirer,
    private readonly processId: string,
    /** For how long a repeated release is tried, in milliseconds. */
    private readonly expire: number,
  ) {}

  /** Another server has taken over. */
  mend(): void {
    for (const request of this.calls.recent.repetitions(this.repeat)) this.retry.add(request, this.expire);
    this.renewer.checkAll();
    this.acquirer.askAll();
    for (const listener of this.listeners) listener();
  }

  /**
   * Cancelled, the attempt leaves the queue as well, where it may have its place again. Of a named owner older attempts may
   * stand beside it, which a release takes along; and a key that is to be kept for a while must not be freed now.
   */
  private readonly repeat = (request: EndRequest): EndRequest[] => {
    const { processId } = this;
    const { keys, ownerId, attemptId } = request;
    if (isCancel(request) || attemptId === undefined || request.keepFor !== undefined) return [request];
    const cancel = { keys, ownerId, attemptId, processId, pending: false };
    return ownerId.startsWith(processId) ? [cancel] : [request, cancel];
  };
}
