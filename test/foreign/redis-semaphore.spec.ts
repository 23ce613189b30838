import { useRawRedis } from '../support/raw-redis.js';
import { describeCoexistence } from './support/coexistence.js';
import { redisSemaphore } from './support/redis-semaphore.js';
import { useForeignLocks } from './support/use-foreign-locks.js';

const redis = useRawRedis();

describeCoexistence(redisSemaphore, redis, useForeignLocks(redis));
