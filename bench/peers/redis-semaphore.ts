import type { Redis } from 'ioredis';
import type { Contender } from '../contenders/contender.js';
import { openClient } from './client.js';
import { requirePeer } from './location.js';

interface Mutex {
  acquire(): Promise<void>;
  release(): Promise<void>;
  /** Protected. The package's own timer calls it; it has no public way to renew. */
  _refresh(): Promise<boolean>;
}

export async function openRedisSemaphore(url: string): Promise<Contender> {
  const { Mutex } = requirePeer('redis-semaphore') as { Mutex: new (client: Redis, key: string) => Mutex };
  const client = openClient(url);
  return Promise.resolve({
    async run(key, job) {
      const mutex = new Mutex(client, key);
      await mutex.acquire();
      try {
        await job();
      } finally {
        await mutex.release();
      }
    },
    async acquire(key) {
      const mutex = new Mutex(client, key);
      await mutex.acquire();
      return { release: async () => mutex.release(), extend: async () => mutex._refresh() };
    },
    close: async () => client.quit(),
  });
}
