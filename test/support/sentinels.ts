import { afterAll, beforeAll } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  startSentinels,
  type RedisServer,
  type SentinelGroup,
  type SentinelOptions,
} from '../../tools/redis-server/index.mjs';

const START_WITHIN = 60_000;

/** Gives the surrounding `describe` (or file) a master, replicas and sentinels; read it inside tests and hooks. */
export function useSentinels(options?: SentinelOptions): () => SentinelGroup {
  let group: SentinelGroup | undefined;

  beforeAll(async () => {
    group = await startSentinels(options);
  }, START_WITHIN);

  afterAll(async () => {
    await group?.stop();
  });

  return () => {
    if (!group) throw new Error('The sentinels run only from beforeAll on: read them inside tests and hooks');
    return group;
  };
}

/** Runs `at` with a client of its own on one server. */
export async function look<T>({ port }: RedisServer, at: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await at(client);
  } finally {
    client.disconnect();
  }
}

/** How many processes are subscribed on a server. */
export async function listeners(server: RedisServer): Promise<number> {
  return look(server, async (client) => (await client.pubsub('CHANNELS', '*wake:*')).length);
}
