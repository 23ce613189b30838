import {
  PostgresLockingProvider,
  RedisLockingProvider,
  type LockingModuleOptions,
  type LockingProviderOptions,
} from 'nestjs-locking';
import { storeOfEnvironment } from './store.js';

const OPTIONS: LockingProviderOptions = {
  // A shop that cannot lock cannot take orders: it fails at the start instead of at every order.
  failFast: true,
  // On the day of a sale all orders are for one SKU: they wait in the queue for long, instead of failing.
  waitLockingTimeout: '10s',
};

/** In-memory locks for one process; with the URL of a Redis or a PostgreSQL, locks across all processes that share it. */
export function lockingOptions(): LockingModuleOptions {
  const store = storeOfEnvironment();
  if (store.kind === 'redis') {
    return { providers: [{ resolve: RedisLockingProvider, options: { ...OPTIONS, redisUrl: store.url } }] };
  }
  if (store.kind === 'postgres') {
    return { providers: [{ resolve: PostgresLockingProvider, options: { ...OPTIONS, connectionString: store.url } }] };
  }
  return {};
}
