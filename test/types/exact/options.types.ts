import {
  duration,
  InMemoryLockingProvider,
  LockingModule,
  LockRequest,
  RedisLockingProvider,
  RedisQuorumLockingProvider,
  Singleton,
  WithCircuitBreaker,
  WithLock,
  type ExecuteOptions,
  type LeaderElectionOptions,
  type LockingService,
} from 'nestjs-locking';
import type { LockJobOptions } from 'nestjs-locking/bullmq';
import type { CacheFlightOptions } from 'nestjs-locking/cache';
import type { TickOptions } from 'nestjs-locking/schedule';

/**
 * Compiled, never run, with `exactOptionalPropertyTypes`: options without a value are passed as `undefined`, and
 * durations come from the environment.
 */
const { LOCK_EXPIRE, LOCK_URL } = process.env as { LOCK_EXPIRE?: string; LOCK_URL?: string };
const expire = LOCK_EXPIRE === undefined ? undefined : duration(LOCK_EXPIRE);

export const modules = [
  LockingModule.forRoot({ providers: undefined }),
  LockingModule.forRoot({
    providers: [
      { resolve: InMemoryLockingProvider, id: undefined, is_default: undefined, options: { expire, store: undefined } },
      { resolve: RedisLockingProvider, options: { expire, redisUrl: LOCK_URL, cluster: undefined, client: undefined } },
      { resolve: RedisQuorumLockingProvider, options: { nodes: [{ redisUrl: LOCK_URL }], nodeTimeout: expire } },
    ],
  }),
];

export const elections: LeaderElectionOptions = { name: 'a', heartbeatInterval: expire, provider: undefined };
export const ticks: TickOptions = { expire, maxHold: undefined, provider: undefined };
export const jobs: LockJobOptions = { expire, retryDelay: undefined, ready: undefined, onStoreDown: undefined };

export const cache: CacheFlightOptions = { ttl: expire, store: undefined, negativeTtl: undefined, beta: undefined };

export class Decorated {
  @WithLock('a', { expire, onUnavailable: undefined, signal: undefined })
  async withLock(): Promise<void> {
    return Promise.resolve();
  }

  @Singleton('a', { expire, join: undefined })
  async singleton(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  @WithCircuitBreaker('a', { window: expire, openFor: expire, minInstances: undefined, isFailure: undefined })
  async withCircuitBreaker(): Promise<void> {
    return Promise.resolve();
  }

  @LockRequest('a', { expire, onUnavailable: undefined })
  async lockRequest(): Promise<void> {
    return Promise.resolve();
  }
}

export async function calls(locking: LockingService, options: ExecuteOptions): Promise<void> {
  await locking.execute('a', () => 1, { ...options, expire, ownerId: undefined, provider: undefined });
  await locking.tryAcquire('a', { expire, signal: undefined });
  await locking.release('a', { ownerId: undefined, provider: undefined });
  for await (const { key } of locking.list({ match: undefined })) await locking.inspect(key);
}
