import { Redis } from 'ioredis';
import { startPostgresServer } from '../tools/postgres-server/index.mjs';
import { startRedisServer } from '../tools/redis-server/index.mjs';
import type { StoreName } from './contenders/open.js';
import { Crew } from './crew/crew.js';
import type { Plan } from './plan.js';
import { countCommands } from './rows/count-commands.js';
import { countTransactions } from './rows/count-transactions.js';
import type { Stage } from './rows/row.js';

/** Starts a Redis server, a PostgreSQL server for locks in one, and an empty crew of its own. An interruption ends all processes at once. */
export async function setStage(
  store: StoreName,
  plan: Plan,
  interrupted: AbortSignal,
): Promise<{ stage: Stage; clear: () => Promise<void> }> {
  const server = await startRedisServer();
  // As a database is: a commit is on the disk.
  const postgres =
    store === 'postgres' ? await startPostgresServer({ config: { fsync: 'on', max_connections: '500' } }) : undefined;
  const redis = new Redis(server.url);
  // Ctrl-C in the terminal ends the server as well, and the lost connection needs no message then.
  redis.on('error', () => {
    redis.disconnect();
  });
  const crew = new Crew(postgres ? [server.url, postgres.url] : [server.url]);
  interrupted.addEventListener('abort', () => void crew.close());
  const countRequests = async (ms: number): Promise<number> =>
    postgres ? countTransactions(postgres.url, ms) : countCommands(redis, ms);
  let keys = 0;
  return {
    stage: { crew, redis, plan, interrupted, countRequests, newKey: () => `bench:${String(keys++)}` },
    async clear() {
      await crew.close();
      redis.disconnect();
      await Promise.all([server.stop(), postgres?.stop()]);
    },
  };
}
