import { startRedisServer } from '../../../tools/redis-server/index.mjs';
import { redisUrl } from '../redis-url.js';
import { assertReachable } from '../storage/connect-redis.js';
import type { DemoOptions } from './demo-options.js';
import { Instances } from './instances.js';
import { closeConnections } from './request.js';

const INSTANCES_WITH_REDIS = 4;

/** The instances that the demo sends orders to, and how to end them. */
export interface Environment {
  readonly urls: readonly string[];
  readonly description: string;
}

export type Cleanup = (close: () => Promise<void>) => void;

/** One instance in memory; with a Redis, several instances that share it. */
export async function openEnvironment({ ownRedis }: DemoOptions, onClose: Cleanup): Promise<Environment> {
  const redis = ownRedis ? await startOwn(onClose) : redisUrl();
  if (redis !== undefined) await assertReachable(redis);

  const instances = new Instances();
  onClose(async () => {
    closeConnections();
    await instances.stop();
  });
  const urls = await instances.start(redis === undefined ? 1 : INSTANCES_WITH_REDIS, redis);
  return { urls, description: describe(urls, redis) };
}

async function startOwn(onClose: Cleanup): Promise<string> {
  const server = await startRedisServer();
  onClose(async () => server.stop());
  return server.url;
}

function describe(urls: readonly string[], redis: string | undefined): string {
  const ports = urls.map((url) => new URL(url).port).join(' ');
  const processes = urls.length === 1 ? 'one process on port' : `${urls.length} processes on ports`;
  const store = redis === undefined ? 'memory' : `Redis at ${new URL(redis).host}`;
  return `${processes} ${ports}\nstock, orders and locks in ${store}`;
}
