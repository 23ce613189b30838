import { expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { useRedisServer } from '../../support/redis.js';
import { useCronWorkers } from './support/cron-workers.js';

const server = useRedisServer();
const workers = useCronWorkers();

it('three processes, clocks 4 s apart, a minute of ticks on every second: each tick is run once', async () => {
  await workers.start([-2000, 0, 2000].map((skew) => ({ redisUrl: server.url, skew })));
  // All three processes run before this tick.
  const from = Date.now() + 5000;
  await delay(60_000 + 5000 + 2000 + 3000);
  const until = from + 60_000;

  const redis = new Redis(server.url);
  try {
    const counts: Record<string, number> = {};
    const runners = new Set<number>();
    for (let tick = Math.ceil(from / 1000) * 1000; tick < until; tick += 1000) {
      const runs = await redis.lrange(`ran:${new Date(tick).toISOString()}`, 0, -1);
      counts[new Date(tick).toISOString()] = runs.length;
      for (const run of runs) runners.add((JSON.parse(run) as { skew: number }).skew);
    }
    expect(Object.keys(counts).length).toBe(60);
    expect(Object.entries(counts).filter(([, count]) => count !== 1)).toEqual([]);
    // no tick anywhere was run twice, before and after that minute
    const keys = await redis.keys('ran:*');
    const twice = (await Promise.all(keys.map(async (key) => [key, await redis.llen(key)]))).filter(([, n]) => n !== 1);
    expect(twice).toEqual([]);
    expect([...runners]).toContain(2000);
  } finally {
    redis.disconnect();
  }
}, 120_000);
