import type { Redis } from 'ioredis';
import type { ForeignLibrary } from './foreign-locks.js';

/** The calls of redis-semaphore 5 that are used here. */
interface RedisSemaphore {
  readonly Mutex: new (client: Redis, key: string, options: MutexOptions) => Mutex;
}

interface Mutex {
  readonly identifier: string;
  acquire(): Promise<void>;
  tryAcquire(): Promise<boolean>;
  release(): Promise<void>;
}

interface MutexOptions {
  readonly lockTimeout: number;
  readonly acquireTimeout?: number;
  readonly acquireAttemptsLimit?: number;
  readonly refreshInterval?: number;
}

export const redisSemaphore: ForeignLibrary = {
  name: 'redis-semaphore',
  namespace: 'mutex:',
  open: (load, client, namespace) => {
    if (namespace !== 'mutex:') throw new Error('A Mutex of redis-semaphore writes at mutex:<key> and nowhere else');
    const { Mutex } = load('redis-semaphore') as RedisSemaphore;
    return {
      tryHold: async (key, lease) => {
        const mutex = new Mutex(client, key, { lockTimeout: lease, acquireAttemptsLimit: 1, refreshInterval: 0 });
        return (await mutex.tryAcquire()) ? { value: mutex.identifier, release: () => mutex.release() } : null;
      },
      run: async (key, lease, job) => {
        const mutex = new Mutex(client, key, { lockTimeout: lease, acquireTimeout: 20_000 });
        await mutex.acquire();
        try {
          return await job();
        } finally {
          await mutex.release();
        }
      },
    };
  },
};
