import { afterAll, beforeAll } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { RedisLockingProvider } from '../../lib/index.js';
import {
  startRedisCluster,
  type RedisCluster,
  type RedisClusterNode,
  type RedisClusterOptions,
} from '../../tools/redis-server/index.mjs';
import { storeOf, type StoreUnderTest } from './stores.js';

export interface RedisClusterAccess {
  readonly cluster: RedisCluster;
  /** The addresses for ioredis and the provider. */
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

/** Applications on the cluster, with a namespace for each test. */
export function useClusterStore(redis: RedisClusterAccess): StoreUnderTest & { readonly namespace: string } {
  let namespace = `${randomUUID()}:`;
  const store = storeOf(
    (options) => ({
      resolve: RedisLockingProvider,
      options: { namespace, ...options, ...('client' in (options ?? {}) ? {} : { cluster: { nodes: redis.nodes } }) },
    }),
    () => {
      namespace = `${randomUUID()}:`;
    },
  );
  return {
    ...store,
    get namespace() {
      return namespace;
    },
  };
}
