import type { Redis } from 'ioredis';

const COMPARE_AND_DELETE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0`;

/** The least a lock in Redis can cost: no waiting, no renewal, no fencing tokens. */
export async function takeAndFreePlainly(redis: Redis): Promise<(key: string) => Promise<void>> {
  const sha = (await redis.script('LOAD', COMPARE_AND_DELETE)) as string;
  let owners = 0;
  return async (key) => {
    const owner = `owner-${String(owners++)}`;
    const taken = await redis.set(key, owner, 'PX', 30_000, 'NX');
    const freed = await redis.evalsha(sha, 1, key, owner);
    if (taken !== 'OK' || freed !== 1) throw new Error(`The plain lock on ${key} failed`);
  };
}
