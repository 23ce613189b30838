import { LeaderOnly, OnFollower, OnLeader, type LeaderTerm } from '../../lib/index.js';

/** Compiled, never run: what the decorators of leader elections must let through, and what they must refuse. */

export class Accepted {
  @OnLeader('e')
  async lead({ signal }: LeaderTerm): Promise<void> {
    return Promise.resolve(signal.throwIfAborted());
  }

  @OnLeader('e')
  atOnce(): void {
    // nothing to do
  }

  @OnFollower('e')
  follow(ended: LeaderTerm | undefined): number {
    return ended?.fencingToken ?? 0;
  }

  @LeaderOnly('e')
  async work(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  @LeaderOnly('e', { onFollower: (id: string) => id.length })
  protected async fallback(id: string): Promise<number> {
    return Promise.resolve(id.length);
  }
}

export class Refused {
  // @ts-expect-error -- it is given a term, not a text
  @OnLeader('e')
  lead(name: string): string {
    return name;
  }

  // @ts-expect-error -- there may be no term that has ended
  @OnFollower('e')
  follow(ended: LeaderTerm): number {
    return ended.fencingToken;
  }

  // @ts-expect-error -- a follower has nothing to return at once
  @LeaderOnly('e')
  work(): number {
    return 1;
  }
}
