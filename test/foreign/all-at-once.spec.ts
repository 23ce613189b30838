import { it } from '@jest/globals';
import { useApplications } from '../support/applications.js';
import { useRawRedis } from '../support/raw-redis.js';
import type { ForeignLibrary } from './support/foreign-locks.js';
import { medusa } from './support/medusa.js';
import { raceForCounter } from './support/race.js';
import { redisSemaphore } from './support/redis-semaphore.js';
import { redlock } from './support/redlock.js';
import { useTimersThatKeepNothingAlive } from './support/medusa-timers.js';
import { useForeignLocks } from './support/use-foreign-locks.js';

const redis = useRawRedis();
const applications = useApplications();
const foreign = useForeignLocks(redis);
useTimersThatKeepNothingAlive();

/** The namespace of the library that cannot choose another one. */
const { namespace } = redisSemaphore;

it('a race of every library and two applications of ours loses no update', async () => {
  const ours = async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url, namespace, maximumRetryInterval: 200 });
    return (job: () => Promise<void>) => locking.execute('stock', job, { timeout: '20s' });
  };
  const theirs = (library: ForeignLibrary) => {
    const locks = foreign.open(library, namespace);
    return (job: () => Promise<void>) => locks.run('stock', 60_000, job);
  };
  const contenders = [await ours(), await ours(), theirs(redlock), theirs(redisSemaphore), theirs(medusa)];
  await raceForCounter(redis.raw, contenders);
});
