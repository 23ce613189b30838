import { RedisLockingProvider, type LockingModuleOptions } from 'nestjs-locking';
import { redisUrl } from './redis-url.js';

/** In-memory locks for one process; with `LOCKING_REDIS_URL`, locks across all processes that share that server. */
export function lockingOptions(): LockingModuleOptions {
  const url = redisUrl();
  if (url === undefined) return {};
  return {
    providers: [
      {
        resolve: RedisLockingProvider,
        options: {
          redisUrl: url,
          // A shop that cannot lock cannot take orders: it fails at the start instead of at every order.
          failFast: true,
          // On the day of a sale all orders are for one SKU: they wait in the queue for long, instead of failing.
          waitLockingTimeout: '10s',
        },
      },
    ],
  };
}
