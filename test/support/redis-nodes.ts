import { afterAll, beforeAll } from '@jest/globals';
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../../tools/redis-server/index.mjs';

/** Gives the surrounding `describe` (or file) `count` independent Redis servers; read them inside tests and hooks. */
export function useRedisNodes(count: number, options?: RedisServerOptions): readonly RedisServer[] {
  const servers: RedisServer[] = [];

  beforeAll(async () => {
    const started = await Promise.allSettled(Array.from({ length: count }, async () => startRedisServer(options)));
    for (const one of started) if (one.status === 'fulfilled') servers.push(one.value);
    for (const one of started) if (one.status === 'rejected') throw one.reason;
  });

  afterAll(async () => {
    for (const server of servers) thaw(server);
    await Promise.all(servers.map(async (server) => server.stop()));
  });

  return servers;
}

/** Makes a frozen server go on. */
export function thaw(server: RedisServer): void {
  try {
    server.kill('SIGCONT');
  } catch {
    // The server does not run.
  }
}
