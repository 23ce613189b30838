import type { Redis } from 'ioredis';

/** Policies under which a server that is out of memory may drop a lock that is held. */
const SAFE_POLICY = 'noeviction';

/** The eviction policy of a server if it is one that may evict locks. A server that does not tell counts as safe. */
export async function findEvictingPolicy(servers: () => readonly Redis[]): Promise<string | undefined> {
  try {
    for (const server of servers()) {
      const policy = /^maxmemory_policy:(\S+)/m.exec(await server.info('memory'))?.[1];
      if (policy !== undefined && policy !== SAFE_POLICY) return policy;
    }
  } catch {
    // Nothing is known, then.
  }
  return undefined;
}
