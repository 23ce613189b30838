import { RedisLockingProvider, type LeaseAnswer, type LeaseRequest } from 'nestjs-locking';

/** Broken on purpose: now and then it grants a held key. */
export class GrantsAlways extends RedisLockingProvider {
  override acquireBatch(requests: readonly LeaseRequest[]): Promise<LeaseAnswer>[] {
    return super.acquireBatch(requests).map(async (answering, index): Promise<LeaseAnswer> => {
      const answer = await answering;
      const keys = requests[index]?.keys ?? [];
      if (answer.granted || Math.random() < 0.5) return answer;
      const token = Date.now() * 1000;
      return { granted: true, fencingTokens: keys.map(() => token), reentered: keys.map(() => false) };
    });
  }
}
