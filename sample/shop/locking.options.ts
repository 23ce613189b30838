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
          // A shop that cannot lock has nothing to do: better no start than an error for every order.
          failFast: true,
          // Everybody wants the same SKU on the day of a sale: let them stand in line rather than turn them away.
          waitLockingTimeout: '10s',
        },
      },
    ],
  };
}
