import { lockingOptionsFromEnv, type LockingModuleOptions } from 'nestjs-locking';

/** What the environment does not say otherwise. */
const DEFAULTS = {
  // A shop that cannot lock cannot take orders: it fails at the start instead of at every order.
  LOCKING_FAIL_FAST: 'true',
  // On the day of a sale all orders are for one SKU: they wait in the queue for long, instead of failing.
  LOCKING_WAIT_TIMEOUT: '10s',
};

/** In-memory locks for one process; with the URL of a Redis or a PostgreSQL, locks across all processes that share it. */
export function lockingOptions(): LockingModuleOptions {
  return lockingOptionsFromEnv({ ...DEFAULTS, ...process.env });
}
