import { afterAll, beforeAll } from '@jest/globals';
import {
  startRedisCluster,
  type RedisCluster,
  type RedisClusterNode,
  type RedisClusterOptions,
} from '../../tools/redis-server/index.mjs';

export interface RedisClusterAccess {
  readonly cluster: RedisCluster;
  /** What ioredis and the provider need to find it. */
  readonly nodes: { host: string; port: number }[];
}

/** Gives the surrounding `describe` (or file) a Redis Cluster of its own; read the getters inside tests and hooks. */
export function useRedisCluster(options?: RedisClusterOptions): RedisClusterAccess {
  let cluster: RedisCluster | undefined;

  beforeAll(async () => {
    cluster = await startRedisCluster(options);
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
  }, 30_000);

  const started = (): RedisCluster => {
    if (!cluster) throw new Error('The cluster runs only from beforeAll on: read it inside tests and hooks');
    return cluster;
  };

  return {
    get cluster() {
      return started();
    },
    get nodes() {
      return started().nodes.map(({ host, port }: RedisClusterNode) => ({ host, port }));
    },
  };
}
