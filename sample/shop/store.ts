/** Where stock, orders and locks are kept: in the memory of one process, or on a server that several share. */
export type Store = { readonly kind: 'memory' } | { readonly kind: 'redis' | 'postgres'; readonly url: string };

/** The environment variable of each server, and its name for people. */
export const SERVERS = {
  redis: { variable: 'LOCKING_REDIS_URL', name: 'Redis' },
  postgres: { variable: 'LOCKING_POSTGRES_URL', name: 'PostgreSQL' },
} as const;

/** What the environment asks for. */
export function storeOfEnvironment(): Store {
  const [redis, postgres] = [SERVERS.redis, SERVERS.postgres].map(
    ({ variable }) => process.env[variable]?.trim() ?? '',
  );
  if (redis && postgres)
    throw new Error('LOCKING_REDIS_URL and LOCKING_POSTGRES_URL are both set: leave one of them out');
  if (redis) return { kind: 'redis', url: redis };
  return postgres ? { kind: 'postgres', url: postgres } : { kind: 'memory' };
}

export function describeStore(store: Store): string {
  return store.kind === 'memory' ? 'memory' : `${SERVERS[store.kind].name} at ${new URL(store.url).host}`;
}
