import { RedisLockingProvider, type ExtendRequest } from 'nestjs-locking';

/** Broken on purpose: it claims that leases were renewed, and does nothing. */
export class LiesAboutRenewals extends RedisLockingProvider {
  override extendBatch(requests: readonly ExtendRequest[]): Promise<readonly boolean[]>[] {
    return requests.map(async ({ keys }) => Promise.resolve(keys.map(() => true)));
  }
}
