import { afterAll, beforeAll } from '@jest/globals';
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../../tools/redis-server/index.mjs';

export interface RedisServerAccess {
  readonly server: RedisServer;
  readonly port: number;
  readonly url: string;
}

/** Gives the surrounding `describe` (or file) a Redis server of its own; read the getters inside tests and hooks. */
export function useRedisServer(options?: RedisServerOptions): RedisServerAccess {
  let server: RedisServer | undefined;

  beforeAll(async () => {
    server = await startRedisServer(options);
  });

  afterAll(async () => {
    await server?.stop();
  });

  const started = (): RedisServer => {
    if (!server) throw new Error('The Redis server runs only from beforeAll on: read it inside tests and hooks');
    return server;
  };

  return {
    get server() {
      return started();
    },
    get port() {
      return started().port;
    },
    get url() {
      return started().url;
    },
  };
}
