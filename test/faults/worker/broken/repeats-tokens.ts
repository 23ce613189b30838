import { RedisLockingProvider, type LeaseAnswer, type LeaseRequest } from 'nestjs-locking';

/** Broken on purpose: its tokens rise only once in two seconds. */
export class RepeatsTokens extends RedisLockingProvider {
  override acquireBatch(requests: readonly LeaseRequest[]): Promise<LeaseAnswer>[] {
    return super.acquireBatch(requests.map((request) => ({ ...request, tokens: 1 }))).map(async (answering) => {
      const answer = await answering;
      if (!answer.granted) return answer;
      return { ...answer, fencingTokens: answer.fencingTokens.map((token) => Math.floor(token / 2e6) * 2e6) };
    });
  }
}
