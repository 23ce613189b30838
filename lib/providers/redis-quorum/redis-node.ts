import type { LeaseAnswer, LeaseRequest, LockingProviderContext } from '../../provider-api/index.js';
import type { VotePace } from '../redis/lease-scripts.js';
import { RedisLockingProvider } from '../redis/redis-locking.provider.js';
import type { RedisLockingProviderOptions } from '../redis/redis-options.interface.js';

/** One server of a quorum. It has no queue, and prefers the process that has waited longest. */
export class RedisNode extends RedisLockingProvider {
  constructor(
    options: RedisLockingProviderOptions,
    context: LockingProviderContext,
    private readonly pace: VotePace,
  ) {
    super(options, context);
  }

  override acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    return this.vote(requests, this.pace);
  }
}
