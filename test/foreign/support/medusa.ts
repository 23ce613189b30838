import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { ForeignLibrary } from './foreign-locks.js';
import type { LoadPeer } from './install-peers.js';

/** The calls of the provider that are used here. Times are in whole seconds. */
interface MedusaLockingProvider {
  acquire(key: string, options?: { ownerId?: string; expire?: number }): Promise<void>;
  release(key: string, options?: { ownerId?: string }): Promise<boolean>;
  releaseAll(options?: { ownerId?: string }): Promise<void>;
  execute<T>(key: string, job: () => Promise<T>, options: { timeout: number; expire: number }): Promise<T>;
}

interface MedusaModule {
  readonly RedisLockingProvider: new (
    dependencies: { redisClient: Redis; prefix: string },
    options: object,
  ) => MedusaLockingProvider;
}

export const MEDUSA_NAMESPACE = 'medusa_lock:';

/**
 * The published service, built like in the container of Medusa: its loader makes a client and returns both. Only the
 * framework's two helpers are replaced (`peers/medusa-framework-stub`).
 */
export function openMedusaProvider(load: LoadPeer, client: Redis, prefix: string): MedusaLockingProvider {
  const { RedisLockingProvider } = load('@medusajs/locking-redis/dist/services/redis-lock.js') as MedusaModule;
  return new RedisLockingProvider({ redisClient: client, prefix }, {});
}

export const medusa: ForeignLibrary = {
  name: '@medusajs/locking-redis',
  namespace: MEDUSA_NAMESPACE,
  open: (load, client, namespace) => {
    const provider = openMedusaProvider(load, client, namespace);
    return {
      tryHold: async (key, lease) => {
        const ownerId = randomUUID();
        try {
          await provider.acquire(key, { ownerId, expire: lease / 1000 });
        } catch (error) {
          if ((error as { type?: unknown }).type === 'conflict') return null;
          throw error;
        }
        return { value: ownerId, release: () => provider.release(key, { ownerId }) };
      },
      run: (key, lease, job) => provider.execute(key, job, { timeout: 20, expire: lease / 1000 }),
    };
  },
};
