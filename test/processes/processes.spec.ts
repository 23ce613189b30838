import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { useRedisServer } from '../support/redis.js';
import { useWorkers } from '../support/workers.js';

const server = useRedisServer();
const start = useWorkers();
let redis: Redis;

beforeEach(async () => {
  redis = new Redis(server.url);
  await redis.flushall();
});

afterEach(() => {
  redis.disconnect();
});

async function count(locked: boolean): Promise<number> {
  const workers = await start(server.url, 4);
  for (const worker of workers) worker.tell({ do: 'count', times: 100, locked });
  for (const worker of workers) await worker.hear('done');
  return Number(await redis.get('counter'));
}

describe('several processes on one Redis', () => {
  it('processes lose no update of a counter under a lock', async () => {
    expect(await count(true)).toBe(400);
    expect(await redis.keys('lock:*')).toEqual(['lock:nestjs-locking:fence']);
  }, 90_000);

  it('processes lose updates without a lock, which shows that the counter would tell', async () => {
    expect(await count(false)).toBeLessThan(400);
  });

  it('a waiter gets the lock within lease and a second after the holder was killed, with a greater token', async () => {
    const [first, second] = await start(server.url, 2);
    first!.tell({ do: 'hold', key: 'a', expire: '900ms' });
    const { token: before } = await first!.hear('holds');
    first!.kill();
    const killed = performance.now();
    second!.tell({ do: 'hold', key: 'a', expire: '30s' });
    const { token } = await second!.hear('holds');
    expect(performance.now() - killed).toBeLessThan(900 + 1000);
    expect(token).toBeGreaterThan(before as number);
  });

  it('a holder that was frozen beyond its lease learns that before it goes on', async () => {
    const [first, second] = await start(server.url, 2);
    first!.tell({ do: 'hold', key: 'a', expire: '600ms' });
    await first!.hear('holds');
    first!.signal('SIGSTOP');
    second!.tell({ do: 'hold', key: 'a', expire: '30s' });
    await second!.hear('holds');
    first!.tell({ do: 'wake' });
    first!.signal('SIGCONT');
    expect(await first!.hear('awake')).toEqual({ awake: 'a', held: false, remaining: 0 });
    expect(await first!.hear('ended')).toEqual({ ended: 'a', code: 'LOCK_LOST' });
    second!.tell({ do: 'wake' });
    expect(await second!.hear('awake')).toMatchObject({ held: true });
    expect(await second!.hear('ended')).toEqual({ ended: 'a' });
  });

  it('processes end by themselves after app.close(), and leave nothing held', async () => {
    const [first] = await start(server.url, 1);
    first!.tell({ do: 'count', times: 3, locked: true });
    await first!.hear('done');
    expect(await first!.close()).toBe(0);
    expect(await redis.keys('lock:*')).toEqual(['lock:nestjs-locking:fence']);
  });
});
