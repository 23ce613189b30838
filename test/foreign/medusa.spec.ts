import { describe, expect, it } from '@jest/globals';
import { useApplications } from '../support/applications.js';
import { useRawRedis } from '../support/raw-redis.js';
import { describeCoexistence } from './support/coexistence.js';
import { medusa, MEDUSA_NAMESPACE, openMedusaProvider } from './support/medusa.js';
import { useTimersThatKeepNothingAlive } from './support/medusa-timers.js';
import { useForeignLocks } from './support/use-foreign-locks.js';

const redis = useRawRedis();
const applications = useApplications();
const foreign = useForeignLocks(redis);
useTimersThatKeepNothingAlive();

describeCoexistence(medusa, redis, foreign);

describe('Medusa’s common owner', () => {
  it('a lock of Medusa’s common owner is shown as it is, never expires, and is not ours', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url, namespace: MEDUSA_NAMESPACE });
    const provider = foreign.openWith((load, client) => openMedusaProvider(load, client, MEDUSA_NAMESPACE));
    await provider.acquire('k');
    expect(await locking.inspect('k')).toMatchObject({ ownerId: '*', fencingToken: null, ttl: null });
    expect(await locking.tryAcquire('k')).toBeNull();
    expect(await locking.tryAcquire('k', { ownerId: '*' })).toBeNull();
    expect(await locking.release('k', { ownerId: '*' })).toBe(false);
    expect(await provider.release('k')).toBe(true);
  });

  it('releaseAll of Medusa’s common owner releases its own locks and none of ours', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url, namespace: MEDUSA_NAMESPACE });
    const provider = foreign.openWith((load, client) => openMedusaProvider(load, client, MEDUSA_NAMESPACE));
    const locks = [await locking.acquire('a'), await locking.acquire('b', { ownerId: '*' })];
    await provider.acquire('c');
    await provider.releaseAll();
    expect(await locking.inspect('c')).toBeNull();
    for (const lock of locks) expect(await lock.release()).toBe(true);
  });
});
