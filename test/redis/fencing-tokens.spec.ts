import { describe, expect, it } from '@jest/globals';
import type { LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { untilQueued } from '../support/store-view.js';

const redis = useRawRedis();
const applications = useApplications();
const FENCE = 'lock:nestjs-locking:fence';

const tokenOf = (locking: LockingService, key = 'k'): Promise<number> =>
  locking.execute(key, ({ fencingToken }) => fencingToken);

function expectRising(tokens: readonly number[]): void {
  tokens.forEach((token, index) => {
    expect(Number.isSafeInteger(token)).toBe(true);
    if (index > 0) expect(token).toBeGreaterThan(tokens[index - 1]!);
  });
}

describe('fencing tokens', () => {
  it('tokens rise with every grant, over keys, releases and applications', async () => {
    const applicationsOfTest = await Promise.all(
      Array.from({ length: 3 }, () => applications.onRedis({ redisUrl: redis.url })),
    );
    const tokens: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      const { locking } = applicationsOfTest[round % 3]!;
      tokens.push(await tokenOf(locking, `k${round % 2}`));
    }
    expectRising(tokens);
  });

  it('tokens rise in the order in which jobs of several applications get the key', async () => {
    const three = await Promise.all(Array.from({ length: 3 }, () => applications.onRedis({ redisUrl: redis.url })));
    const tokens: number[] = [];
    const jobs = three.flatMap(({ locking }) =>
      Array.from({ length: 5 }, () => locking.execute('k', ({ fencingToken }) => tokens.push(fencingToken))),
    );
    await Promise.all(jobs);
    expect(tokens).toHaveLength(15);
    expectRising(tokens);
  });

  it('the token of each key of a lock is above the earlier tokens of that key', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const before = new Map([
      ['a', await tokenOf(locking, 'a')],
      ['b', await tokenOf(locking, 'b')],
    ]);
    await locking.execute(['b', 'a'], (lock) => {
      for (const [key, token] of before) expect(lock.fencingTokenFor(key)).toBeGreaterThan(token);
      expect(lock.fencingToken).toBe(Math.max(lock.fencingTokenFor('a'), lock.fencingTokenFor('b')));
    });
  });

  it('tokens rise over FLUSHALL, the loss of the counter, and a counter that is set back', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const tokens = [await tokenOf(locking)];
    for (const harm of [
      () => redis.raw.flushall(),
      () => redis.raw.del(FENCE),
      () => redis.raw.set(FENCE, '5'),
      () => redis.raw.set(FENCE, '-1'),
    ]) {
      await harm();
      tokens.push(await tokenOf(locking), await tokenOf(locking));
    }
    expectRising(tokens);
  });

  it('tokens rise over FLUSHALL, whichever way a key is granted', async () => {
    const [one, two] = [
      await applications.onRedis({ redisUrl: redis.url }),
      await applications.onRedis({ redisUrl: redis.url }),
    ];
    const ways: Record<string, () => Promise<number>> = {
      alone: () => tokenOf(one.locking),
      'with others': () => one.locking.execute(['j', 'k'], (lock) => lock.fencingTokenFor('k')),
      'for ever': () => one.locking.acquire('k', { ownerId: 'me' }).then(({ fencingToken }) => fencingToken),
      'once more': async () => {
        await one.locking.acquire('k', { ownerId: 'me' });
        await redis.raw.del(FENCE);
        return (await one.locking.acquire('k', { ownerId: 'me' })).fencingToken;
      },
      'by hand-off': async () => {
        const lock = await one.locking.acquire('k');
        const waiting = two.locking.execute('k', ({ fencingToken }) => fencingToken, { timeout: '20s' });
        await untilQueued(redis.raw, 'k', 1);
        await redis.raw.del(FENCE);
        await lock.release();
        return waiting;
      },
    };
    const tokens = [];
    for (const way of Object.values(ways)) {
      tokens.push(await tokenOf(one.locking));
      await redis.raw.flushall();
      tokens.push(await way());
      await one.locking.forceRelease('k');
    }
    expectRising(tokens);
  });

  it('tokens rise while the counter is ahead of the clock', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const ahead = Date.now() * 1000 + 3_600_000_000;
    await redis.raw.set(FENCE, String(ahead));
    expect([await tokenOf(locking), await tokenOf(locking, 'l')]).toEqual([ahead + 1, ahead + 2]);
    const forEver = await locking.acquire('m', { ownerId: 'me' });
    expect(forEver.fencingToken).toBe(ahead + 3);
  });

  it('tokens rise over a restart of the server without its data', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const tokens = [await tokenOf(locking)];
    await redis.server.restart();
    await eventually(async () => {
      const token = await tokenOf(locking).catch(() => undefined);
      if (token !== undefined) tokens.push(token);
      return tokens.length > 2;
    });
    expectRising(tokens);
  });

  it('each namespace has one token counter, however many keys were locked', async () => {
    const [one, two] = await Promise.all([
      applications.onRedis({ redisUrl: redis.url }),
      applications.onRedis({ redisUrl: redis.url, namespace: 'other/' }),
    ]);
    for (let call = 0; call < 70; call += 1) {
      const many = Array.from({ length: 300 }, (_, index) => `key-${call}-${index}`);
      const single = many.slice(0, 20).map((key) => `${key}-alone`);
      await Promise.all([
        one.locking.execute(many, () => undefined),
        ...single.map((key) => one.locking.execute(key, () => undefined)),
        two.locking.execute(`k${call}`, () => undefined),
      ]);
    }
    expect((await redis.raw.keys('*')).sort()).toEqual([FENCE, 'other/nestjs-locking:fence']);
    expect(await redis.raw.strlen(FENCE)).toBe(16);
  });
});
