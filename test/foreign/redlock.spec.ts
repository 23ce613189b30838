import { describe, expect, it } from '@jest/globals';
import { useApplications } from '../support/applications.js';
import { useRawRedis } from '../support/raw-redis.js';
import { describeCoexistence } from './support/coexistence.js';
import { openRedlock, redlock } from './support/redlock.js';
import { useForeignLocks } from './support/use-foreign-locks.js';

const redis = useRawRedis();
const applications = useApplications();
const foreign = useForeignLocks(redis);

describeCoexistence(redlock, redis, foreign);

describe('several keys at once, some of them held by the other side', () => {
  const LONG = 60_000;

  it('several keys, some of them held by redlock, are refused to us, and no other stays locked', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url, namespace: '' });
    const { tryHold } = foreign.openWith(openRedlock);
    const theirs = await tryHold(['b', 'c'], LONG);
    expect(await locking.tryAcquire(['a', 'b'])).toBeNull();
    expect(await redis.raw.exists('a')).toBe(0);

    await theirs?.release();
    expect((await locking.tryAcquire(['a', 'b']))?.keys).toEqual(['a', 'b']);
  });

  it('several keys, some of them held by us, are refused to redlock, and no other stays locked', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url, namespace: '' });
    const { tryHold } = foreign.openWith(openRedlock);
    const ours = await locking.acquire(['a', 'b']);
    expect(await tryHold(['b', 'c'], LONG)).toBeNull();
    expect(await redis.raw.exists('c')).toBe(0);

    await ours.release();
    expect(await tryHold(['b', 'c'], LONG)).not.toBeNull();
  });
});
