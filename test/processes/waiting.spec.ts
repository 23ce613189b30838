import { describe, expect, it } from '@jest/globals';
import type { LockingService } from '../../lib/index.js';
import { useApplications } from '../module/support/applications.js';
import { eventually } from '../module/support/poll.js';
import { useRawRedis } from '../module/support/raw-redis.js';
import { callsFor, signsOfLife, subscribers, untilClean, untilInLine } from '../support/store-view.js';
import { useWorkers, type Worker } from '../support/workers.js';

const redis = useRawRedis();
const applications = useApplications();
const startWorkers = useWorkers();

const start = async (): Promise<LockingService> => (await applications.onRedis({ redisUrl: redis.url })).locking;

/** Has a process stand in line for `key` and then do as it is told by a signal. */
async function waitThen(key: string, signal: NodeJS.Signals, place = 1): Promise<Worker> {
  const [worker] = await startWorkers(redis.url, 1);
  worker!.tell({ do: 'hold', key, expire: '2s' });
  await untilInLine(redis.raw, key, place);
  const heard = await subscribers(redis.raw);
  worker!.signal(signal);
  if (signal === 'SIGKILL') await eventually(async () => (await subscribers(redis.raw)) === heard - 1);
  return worker!;
}

describe('a process that waits', () => {
  it('is passed over at once when it was killed', async () => {
    const [holder, next] = [await start(), await start()];
    const lock = await holder.acquire('k');
    await waitThen('k', 'SIGKILL');
    const waiting = next.acquire('k', { timeout: '20s' });
    await untilInLine(redis.raw, 'k', 2);
    // The release finds out, and one question may fall into the moment.
    expect(await callsFor(redis.raw, async () => Promise.all([lock.release(), waiting]))).toBeLessThanOrEqual(2);
    expect(await redis.raw.get('lock:k')).toContain((await waiting).ownerId);
    await (await waiting).release();
    await untilClean(redis.raw);
  });

  it('is passed over when it has given no sign of life for 5 s, and goes on when it can', async () => {
    const [holder, next] = [await start(), await start()];
    const lock = await holder.acquire('k');
    const stopped = await waitThen('k', 'SIGSTOP');
    const order: string[] = [];
    const waiting = next.execute('k', () => order.push('next'), { timeout: '20s' });
    await untilInLine(redis.raw, 'k', 2);
    const silent = async (): Promise<number> => {
      const now = Number((await redis.raw.time())[0]) * 1000;
      return (await signsOfLife(redis.raw, 'k')).filter((seen) => now - seen > 5000).length;
    };
    await eventually(async () => (await silent()) === 1);
    await lock.release();
    await waiting;
    expect(order).toEqual(['next']);
    expect(await redis.raw.exists('lock:k')).toBe(0);
    // By then its own deadline of 5 s has passed: it gives up, and leaves nothing.
    stopped.signal('SIGCONT');
    expect(await stopped.hear('ended')).toMatchObject({ ended: 'k', code: expect.stringMatching(/^LOCK_/) });
    await untilClean(redis.raw);
    expect(await holder.execute('k', () => 'free')).toBe('free');
  });

  it('gets what is handed to it while it is stopped for less, and holds it when it goes on', async () => {
    const holder = await start();
    const lock = await holder.acquire('k');
    const stopped = await waitThen('k', 'SIGSTOP');
    await lock.release();
    expect(await redis.raw.exists('lock:k')).toBe(1);
    stopped.signal('SIGCONT');
    expect(await stopped.hear('holds')).toMatchObject({ holds: 'k' });
    stopped.tell({ do: 'wake' });
    expect(await stopped.hear('awake')).toMatchObject({ held: true });
    expect(await stopped.hear('ended')).toEqual({ ended: 'k' });
    await untilClean(redis.raw);
  });

  it('leaves the line when its application ends, and ends by itself', async () => {
    const holder = await start();
    await holder.acquire('k');
    const [worker] = await startWorkers(redis.url, 1);
    worker!.tell({ do: 'hold', key: 'k', expire: '2s' });
    await untilInLine(redis.raw, 'k', 1);
    expect(await worker!.close()).toBe(0);
    await untilInLine(redis.raw, 'k', 0);
    expect(await subscribers(redis.raw)).toBe(0);
  });
});

describe('several processes that want the same key', () => {
  it('are served in the order in which they came', async () => {
    const holder = await start();
    const lock = await holder.acquire('k');
    const workers = await startWorkers(redis.url, 2);
    for (const [index, worker] of workers.entries()) {
      worker.tell({ do: 'hold', key: 'k', expire: '20s' });
      await untilInLine(redis.raw, 'k', index + 1);
    }
    await lock.release();
    const tokens: unknown[] = [lock.fencingToken];
    for (const [index, worker] of workers.entries()) {
      tokens.push((await worker.hear('holds')).token);
      await untilInLine(redis.raw, 'k', 1 - index);
      worker.tell({ do: 'wake' });
      await worker.hear('ended');
    }
    expect(tokens).toEqual([...tokens].sort());
    await untilClean(redis.raw);
  });
});
