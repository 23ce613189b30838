import type { PostgresLockingProviderOptions } from '../../providers/postgres/postgres-options.interface.js';
import type { RedisLockingProviderOptions } from '../../providers/redis/redis-options.interface.js';
import type { RedisQuorumLockingProviderOptions } from '../../providers/redis-quorum/redis-quorum-options.interface.js';

type AnyOptions = Partial<
  Pick<RedisLockingProviderOptions, 'redisUrl' | 'redisOptions' | 'cluster'> &
    Pick<RedisQuorumLockingProviderOptions, 'nodes'> &
    Pick<PostgresLockingProviderOptions, 'connectionString'>
>;

/** Where the store is: hosts, ports and the name of the database, and nothing that could be a secret. */
export function describeStore(options: Readonly<Record<string, unknown>>): string {
  const { redisUrl, redisOptions, cluster, nodes, connectionString }: AnyOptions = options;
  if (connectionString !== undefined) return `PostgreSQL at ${placeOf(connectionString, '5432')}`;
  if (nodes)
    return `the quorum of ${nodes.map((node) => placeOf(typeof node === 'string' ? node : '', '6379')).join(', ')}`;
  if (cluster) return `the Redis Cluster of ${places(cluster.nodes)}`;
  if (redisOptions?.sentinels)
    return `Redis "${redisOptions.name ?? ''}" of the sentinels ${places(redisOptions.sentinels)}`;
  return `Redis at ${placeOf(redisUrl ?? '', '6379')}`;
}

function places(nodes: readonly unknown[]): string {
  return nodes
    .map((node) => {
      const { host, port } = node as { host?: string; port?: number };
      return `${host ?? ''}:${String(port ?? '')}`;
    })
    .join(', ');
}

function placeOf(url: string, port: string): string {
  if (!URL.canParse(url)) return '?';
  const { hostname, port: given, pathname } = new URL(url);
  return `${hostname}:${given === '' ? port : given}${pathname === '/' ? '' : pathname}`;
}
