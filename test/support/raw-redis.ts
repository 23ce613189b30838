import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { Redis } from 'ioredis';
import { useRedisServer, type RedisServerAccess } from './redis.js';
import type { RedisServerOptions } from '../../tools/redis-server/index.mjs';

export interface RawRedis extends RedisServerAccess {
  /** A plain client that reads and writes the store directly. */
  readonly raw: Redis;
}

/** A server with a client beside it; the store is emptied before each test. */
export function useRawRedis(options?: RedisServerOptions): RawRedis {
  const redis = useRedisServer(options);
  let raw: Redis | undefined;

  beforeAll(async () => {
    raw = new Redis(redis.url, { lazyConnect: true, disconnectTimeout: 100 });
    // The client reconnects by itself while the server is away.
    raw.on('error', () => undefined);
    await raw.connect();
  });

  beforeEach(async () => {
    await raw?.flushall();
  });

  afterAll(() => {
    raw?.disconnect();
  });

  return {
    get server() {
      return redis.server;
    },
    get port() {
      return redis.port;
    },
    get url() {
      return redis.url;
    },
    get raw() {
      if (!raw) throw new Error('The client is there only from beforeAll on: read it inside tests and hooks');
      return raw;
    },
  };
}
