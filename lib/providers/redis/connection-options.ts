import type { RedisOptions } from 'ioredis';
import type { RedisLockingProviderOptions } from './redis-options.interface.js';

/** No wait for a server or a sentinel is longer, in milliseconds: a lock that is held ends meanwhile. */
export const LONGEST_RECONNECT_DELAY = 500;

/** ioredis lets a process live for so long after the end of a connection that had broken by then. */
const DISCONNECT_TIMEOUT = 100;

/** A command that is not answered by this connection is never sent again by it: it must not run late, or twice. */
export const NEVER_LATE = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
} as const satisfies RedisOptions;

const DEFAULTS = {
  retryStrategy: (attempt) => Math.min(25 * 2 ** Math.min(attempt, 10), LONGEST_RECONNECT_DELAY),
  disconnectTimeout: DISCONNECT_TIMEOUT,
} satisfies RedisOptions;

/** A machine that is gone often takes a sentinel along: none of these may wait for it for long. */
const SENTINEL_DEFAULTS = {
  connectTimeout: 1000,
  sentinelCommandTimeout: 1000,
  sentinelRetryStrategy: (attempt) => Math.min(50 * attempt, LONGEST_RECONNECT_DELAY),
} satisfies RedisOptions;

/** What a connection of this provider's own is made with. The user's options win, unless commands would come late. */
export function ownOptions({ redisOptions }: RedisLockingProviderOptions): RedisOptions {
  return {
    ...DEFAULTS,
    ...(redisOptions?.sentinels && SENTINEL_DEFAULTS),
    ...redisOptions,
    ...NEVER_LATE,
  };
}

/** Options in a URL would win over those given beside it. */
export function withoutForced(redisUrl: string): string {
  const url = new URL(redisUrl);
  for (const name of Object.keys(NEVER_LATE)) url.searchParams.delete(name);
  return url.href;
}
