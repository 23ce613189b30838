import { Redis } from 'ioredis';
import { startRedisServer } from '../tools/redis-server/index.mjs';
import { Crew } from './crew/crew.js';
import type { Plan } from './plan.js';
import type { Stage } from './rows/row.js';

/** A Redis server of the bench's own, and nobody on it yet. Interrupted, everybody leaves at once. */
export async function setStage(
  plan: Plan,
  interrupted: AbortSignal,
): Promise<{ stage: Stage; clear: () => Promise<void> }> {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  // An interruption by the terminal ends the server as well, and its loss is no news then.
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
