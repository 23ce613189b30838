import { Redis } from 'ioredis';
import { startRedisServer } from '../tools/redis-server/index.mjs';
import { Crew } from './crew/crew.js';
import type { Plan } from './plan.js';
import type { Stage } from './rows/row.js';

/** Starts a Redis server and an empty crew of its own. An interruption ends all processes at once. */
export async function setStage(
  plan: Plan,
  interrupted: AbortSignal,
): Promise<{ stage: Stage; clear: () => Promise<void> }> {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  // Ctrl-C in the terminal ends the server as well, and the lost connection needs no message then.
  redis.on('error', () => {
    redis.disconnect();
  });
  const crew = new Crew(server.url);
  interrupted.addEventListener('abort', () => void crew.close());
  let keys = 0;
  return {
    stage: { crew, redis, plan, interrupted, newKey: () => `bench:${String(keys++)}` },
    async clear() {
      await crew.close();
      redis.disconnect();
      await server.stop();
    },
  };
}
