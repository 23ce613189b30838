import { LeaderOnly, OnFollower, OnLeader, type LeaderTerm } from '../../lib/index.js';

/** Compiled, never run: code that the decorators of leader elections must accept or refuse. */

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
  async work(id: string): Promise<string | undefined> {
    return Promise.resolve(id);
  }

  @LeaderOnly('e', { onFollower: (id: string) => id.length })
  protected async fallback(id: string): Promise<number> {
    return Promise.resolve(id.length);
  }

  @LeaderOnly('e', { onFollower: async () => Promise.resolve('follower') })
  async literal(): Promise<string> {
    return Promise.resolve('leader');
  }

  @LeaderOnly('e', { onFollower: undefined })
  async nothing(): Promise<void> {
    return Promise.resolve();
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

  // @ts-expect-error -- on a follower it resolves with undefined
  @LeaderOnly('e')
  async result(): Promise<string> {
    return Promise.resolve('leader');
  }

  // @ts-expect-error -- the fallback returns another type
  @LeaderOnly('e', { onFollower: () => 'follower' })
  async otherResult(): Promise<number> {
    return Promise.resolve(1);
  }

  // @ts-expect-error -- the fallback takes another argument
  @LeaderOnly('e', { onFollower: (id: number) => id })
  async otherArgument(id: string): Promise<number> {
    return Promise.resolve(id.length);
  }

  // @ts-expect-error -- a follower has nothing to return at once
  @LeaderOnly('e')
  work(): number {
    return 1;
  }
}
