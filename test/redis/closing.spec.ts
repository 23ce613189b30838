import { describe, expect, it } from '@jest/globals';
import { RedisLockingProvider, StoreNotReachedError } from '../../lib/index.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';

const redis = useRawRedis();

const listener = { changed: () => undefined, restored: () => undefined };

async function open(): Promise<RedisLockingProvider> {
  const provider = new RedisLockingProvider({ redisUrl: redis.url }, { id: 'locking-redis', warn: () => undefined });
  await provider.connect(() => undefined);
  return provider;
}

/** The connections of the server, without that of the raw client. */
async function connections(): Promise<number> {
  return (
    String(await redis.raw.call('CLIENT', 'LIST'))
      .trim()
      .split('\n').length - 1
  );
}

describe('a provider that closes', () => {
  it('a watch that begins meanwhile is refused, and no connection stays', async () => {
    const provider = await open();
    void provider.close();
    expect(await rejectionOf(provider.watchRecords(listener))).toBeInstanceOf(StoreNotReachedError);
    await eventually(async () => (await connections()) === 0);
  });

  it('a watch that has not begun is refused', async () => {
    const provider = await open();
    const refused = rejectionOf(provider.watchRecords(listener));
    void provider.close();
    expect(await refused).toBeInstanceOf(StoreNotReachedError);
    await eventually(async () => (await connections()) === 0);
  });
});
