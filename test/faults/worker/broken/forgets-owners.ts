import { RedisLockingProvider, type ReleaseOutcome, type ReleaseRequest } from 'nestjs-locking';

/** Broken on purpose: it frees a key without comparing its owner. */
export class ForgetsOwners extends RedisLockingProvider {
  override releaseBatch(requests: readonly ReleaseRequest[]): Promise<readonly ReleaseOutcome[]>[] {
    return requests.map(async ({ keys }) => {
      await this.revoke(keys);
      return keys.map((): ReleaseOutcome => 'freed');
    });
  }
}
