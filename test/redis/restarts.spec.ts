import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { useRawRedis, type RawRedis } from '../support/raw-redis.js';
import { times } from '../support/shared-store.js';
import { untilClean, untilQueued } from '../support/store-view.js';

const applications = useApplications();

/** A holder, and two applications that wait for its key with five jobs each. */
async function queueBehindHolder(redis: RawRedis, expire: `${number}ms`) {
  const start = async (): Promise<LockingService> =>
    (await applications.onRedis({ redisUrl: redis.url, expire })).locking;
  const [holder, ...waiters] = await Promise.all([start(), start(), start()]);
  const lock = await holder.acquire('k');
  const course: { readonly waiter: number; readonly token: number }[] = [];
  let running = 0;
  const waiting: Promise<unknown>[] = [];
  for (const [index, waiter] of waiters.entries()) {
    const job = async ({ fencingToken }: { fencingToken: number }): Promise<void> => {
      running += 1;
      expect(running).toBe(1);
      course.push({ waiter: index, token: fencingToken });
      await redis.raw.ping();
      running -= 1;
    };
    waiting.push(...times(5, () => waiter.execute('k', job, { timeout: '25s' })));
    await untilQueued(redis.raw, 'k', index + 1);
  }
  const expectRisingTokens = (): void => {
    const tokens = [lock.fencingToken, ...course.map(({ token }) => token)];
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  };
  return { lock, waiting, course, expectRisingTokens };
}

describe('a server that loses its data while processes wait', () => {
  const redis = useRawRedis();

  it.each([
    ['by FLUSHALL', () => redis.raw.flushall()],
    ['by a restart', () => redis.server.restart()],
    [
      'by a crash',
      async () => {
        redis.server.kill('SIGKILL');
        await redis.server.restart();
      },
    ],
  ])(
    'a server that lost its data serves all waiters one at a time, with rising tokens, and the holder learns of it: %s',
    async (_, lose) => {
      const { lock, waiting, course, expectRisingTokens } = await queueBehindHolder(redis, '900ms');
      const { signal } = lock;
      const aborted = once(signal, 'abort');
      await lose();
      await Promise.all(waiting);
      await aborted;
      expect(signal.reason).toMatchObject({ code: 'LOCK_LOST' });
      expect(await lock.release()).toBe(false);
      expect(course).toHaveLength(10);
      expectRisingTokens();
      await untilClean(redis.raw);
    },
  );
});

describe('a server that is restarted with its data while processes wait', () => {
  const redis = useRawRedis({ config: { appendonly: 'yes', appendfsync: 'always' } });

  it('the holder keeps its lock, and waiting processes their queue entries, when the server restarts with its data', async () => {
    const { lock, waiting, course, expectRisingTokens } = await queueBehindHolder(redis, '20000ms');
    await redis.server.restart();
    await eventually(async () => (await redis.raw.ping().catch(() => '')) === 'PONG');
    await untilQueued(redis.raw, 'k', 2);
    expect(lock.held).toBe(true);
    expect(course).toEqual([]);
    // The holder may not have reconnected yet.
    await eventually(async () => lock.release().catch(() => true));
    await Promise.all(waiting);
    expect(course.map(({ waiter }) => waiter).sort()).toEqual([...times(5, () => 0), ...times(5, () => 1)]);
    expectRisingTokens();
    await untilClean(redis.raw);
  });
});
