import type { Redis } from 'ioredis';
import type { Contender } from '../contenders/contender.js';
import { openClient } from './client.js';
import { requirePeer } from './location.js';

interface Package {
  IoredisAdapter: new (client: Redis) => object;
  createLock: (options: { adapter: object; key: string }) => UniversalLock;
}

interface UniversalLock {
  using(job: () => Promise<void>): Promise<void>;
  acquire(): Promise<object>;
  release(handle: object): Promise<boolean>;
  extend(handle: object, ttl: number): Promise<boolean>;
}

/** The default of the package. */
const TTL = 30_000;

export async function openRedlockUniversal(url: string): Promise<Contender> {
  const { createLock, IoredisAdapter } = requirePeer('redlock-universal') as Package;
  const client = openClient(url);
  const adapter = new IoredisAdapter(client);
  const lastUsed = { key: '', lock: undefined as UniversalLock | undefined };

  // One lock per key, used many times: each new one costs a PING at its first use.
  function lockOf(key: string): UniversalLock {
    if (!lastUsed.lock || lastUsed.key !== key) {
      lastUsed.lock = createLock({ adapter, key });
      lastUsed.key = key;
    }
    return lastUsed.lock;
  }

  return Promise.resolve({
    run: async (key, job) => lockOf(key).using(job),
    async acquire(key) {
      const lock = lockOf(key);
      const handle = await lock.acquire();
      return { release: async () => lock.release(handle), extend: async () => lock.extend(handle, TTL) };
    },
    close: async () => client.quit(),
  });
}
