import type { Redis } from 'ioredis';

/** Policies under which a server that is out of memory may drop a lock that is held. */
const SAFE_POLICY = 'noeviction';

/** The server's eviction policy if it is one that may evict locks. A server that does not tell counts as safe. */
export async function findEvictingPolicy(client: () => Redis): Promise<string | undefined> {
  try {
    const info = await client().info('memory');
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    return policy === undefined || policy === SAFE_POLICY ? undefined : policy;
  } catch {
    return undefined;
  }
}
