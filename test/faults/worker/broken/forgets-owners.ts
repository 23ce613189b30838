import { RedisLockingProvider, type ReleaseOutcome, type ReleaseRequest } from 'nestjs-locking';

/** Broken on purpose: it frees a key whoever holds it by now. */
export class ForgetsOwners extends RedisLockingProvider {
  override release(requests: readonly ReleaseRequest[]): Promise<readonly ReleaseOutcome[]>[] {
    return requests.map(async ({ keys }) => {
      await this.forceRelease(keys);
      return keys.map((): ReleaseOutcome => 'freed');
    });
  }
}
