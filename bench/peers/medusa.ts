import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Redis } from 'ioredis';
import type { Contender } from '../contenders/contender.js';
import { openClient } from './client.js';
import { requirePeer } from './location.js';

type ProviderClass = new (container: { redisClient: Redis; prefix: string }, options: object) => Provider;

interface Provider {
  execute(keys: string, job: () => Promise<void>): Promise<void>;
  /** Never waits. */
  acquire(keys: string, options: { ownerId: string; expire: number }): Promise<void>;
  release(keys: string, options: { ownerId: string }): Promise<boolean>;
}

/** The provider adds this command to its client and calls it from its renewal timer. It has no public call for it. */
interface ExtendingClient {
  extendLock(key: string, ownerId: string, seconds: number): Promise<number>;
}

/** The defaults of its module and of `execute`. */
const PREFIX = 'medusa_lock:';
const EXPIRE = 60;

/** Its service alone, without a Medusa application, with the client that its loader would have made. */
export async function openMedusa(url: string): Promise<Contender> {
  const service = '@medusajs/locking-redis/dist/services/redis-lock.js';
  const { RedisLockingProvider } = requirePeer(service) as { RedisLockingProvider: ProviderClass };
  const redisClient = openClient(url, createRequire(requirePeer.resolve(service)));
  const provider = new RedisLockingProvider({ redisClient, prefix: PREFIX }, {});
  const extending = redisClient as unknown as ExtendingClient;
  return Promise.resolve({
    run: async (key, job) => provider.execute(key, job),
    async acquire(key) {
      const ownerId = randomUUID();
      await provider.acquire(key, { ownerId, expire: EXPIRE });
      return {
        release: async () => provider.release(key, { ownerId }),
        extend: async () => extending.extendLock(`${PREFIX}${key}`, ownerId, EXPIRE),
      };
    },
    close: async () => redisClient.quit(),
  });
}
