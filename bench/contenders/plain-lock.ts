import { Redis } from 'ioredis';
import type { Contender, Held } from './contender.js';

const COMPARE_AND_DELETE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0`;

/** The least that a lock in Redis can cost: no waiting, no renewal, no fencing tokens. */
export async function openPlainLock(url: string): Promise<Contender> {
  const redis = new Redis(url);
  const sha = (await redis.script('LOAD', COMPARE_AND_DELETE)) as string;
  let owners = 0;

  async function acquire(key: string): Promise<Held> {
    const owner = `owner-${String(owners++)}`;
    const taken = await redis.set(key, owner, 'PX', 30_000, 'NX');
    if (taken !== 'OK') throw new Error(`${key} is held`);
    return {
      async release() {
        const freed = await redis.evalsha(sha, 1, key, owner);
        if (freed !== 1) throw new Error(`${key} was lost`);
      },
    };
  }

  return {
    acquire,
    async run(key, job) {
      const held = await acquire(key);
      await job();
      await held.release();
    },
    close: async () => redis.quit(),
  };
}
