import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  isLockConfigurationError,
  LeaderOnly,
  LockingService,
  OnFollower,
  OnLeader,
  Singleton,
  WithLock,
} from '../../lib/index.js';
import { LockJob } from '../../lib/coordination/bullmq/index.js';
import { LockedCron, LockedInterval } from '../../lib/coordination/schedule/index.js';
import { rejection, thrown, useLockingApps } from '../support/nest-apps.js';

let ran = 0;

/**
 * Methods that return its generator look like async generators from a compiler for older targets or another decorator.
 */
const generator = async function* (): AsyncGenerator<number> {
  ran += 1;
  yield Promise.resolve(1);
};

function* syncGenerator(): Generator<number> {
  ran += 1;
  yield 1;
}

@Injectable()
class Feeds {
  constructor(readonly locking: LockingService) {}

  @WithLock('feed')
  async withLock(): Promise<unknown> {
    return Promise.resolve(generator());
  }

  @Singleton('feed')
  async singleton(): Promise<unknown> {
    return Promise.resolve(generator());
  }
}

const DECORATORS = {
  '@WithLock': WithLock('feed'),
  '@Singleton': Singleton('feed'),
  '@LockedCron': LockedCron('0 3 * * *', { name: 'feed' }),
  '@LockedInterval': LockedInterval('feed', 1000),
  '@LockJob': LockJob('feed'),
  '@LeaderOnly': LeaderOnly('feed'),
  '@OnLeader': OnLeader('feed'),
  '@OnFollower': OnFollower('feed'),
};

describe('a generator, whose body runs after the call', () => {
  const startApp = useLockingApps();

  describe.each(Object.entries(DECORATORS))('%s', (name, decorator) => {
    it.each([
      ['a generator', syncGenerator],
      ['an async generator', generator],
    ])('a decorator refuses %s at decoration', (_what, method) => {
      const descriptor = { value: method, configurable: true };
      const error = thrown(() => {
        (decorator as MethodDecorator)({}, 'method', descriptor as never);
      });
      expect(isLockConfigurationError(error)).toBe(true);
      expect((error as Error).message).toMatch(`${name} on method: a call of a generator method runs nothing`);
      expect(descriptor.value).toBe(method);
    });
  });

  it.each(['withLock', 'singleton'] as const)(
    'a generator that the decoration cannot see is refused at the call (%s)',
    async (name) => {
      const feeds = (await startApp({ providers: [Feeds] })).get(Feeds);
      const error = await rejection(feeds[name]());
      expect(isLockConfigurationError(error)).toBe(true);
      expect(String(error)).toContain('The job under "feed" returned a generator');
      expect(ran).toBe(0);
      expect(await feeds.locking.inspect('feed')).toBeNull();
    },
  );
});
