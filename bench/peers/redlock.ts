import type { Redis } from 'ioredis';
import type { Contender } from '../contenders/contender.js';
import { openClient } from './client.js';
import { requirePeer } from './location.js';

interface Redlock {
  using(keys: string[], duration: number, job: () => Promise<void>): Promise<void>;
  acquire(keys: string[], duration: number): Promise<RedlockLock>;
  quit(): Promise<void>;
}

interface RedlockLock {
  release(): Promise<unknown>;
  extend(duration: number): Promise<RedlockLock>;
}

export type RedlockClass = new (clients: Redis[]) => Redlock;

/** Redlock has no default for this. */
const DURATION = 30_000;

export async function openRedlock(url: string): Promise<Contender> {
  return Promise.resolve(contenderOf((requirePeer('redlock') as { default: RedlockClass }).default, url));
}

/** The fork has the same calls. */
export function contenderOf(Redlock: RedlockClass, url: string): Contender {
  const redlock = new Redlock([openClient(url)]);
  return {
    run: async (key, job) => redlock.using([key], DURATION, job),
    async acquire(key) {
      let lock = await redlock.acquire([key], DURATION);
      return {
        release: async () => lock.release(),
        async extend() {
          lock = await lock.extend(DURATION);
        },
      };
    },
    close: async () => redlock.quit(),
  };
}
