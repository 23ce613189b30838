import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { heartbeats, subscribers, untilClean, untilQueued } from '../support/store-view.js';
import { useProxies } from '../support/tcp-proxy.js';
import { useWorkers, type Worker } from '../support/workers.js';

const redis = useRawRedis();
const applications = useApplications();
const startWorkers = useWorkers();
const startProxy = useProxies();
const monitors: Redis[] = [];

const start = async (): Promise<LockingService> => (await applications.onRedis({ redisUrl: redis.url })).locking;

/** A client beside the locks, such as a monitoring tool. */
function startMonitor(): Redis {
  const client = new Redis(redis.url, { disconnectTimeout: 100 });
  monitors.push(client);
  return client;
}

afterEach(async () => {
  for (const client of monitors.splice(0)) client.disconnect();
  await redis.raw.config('SET', 'notify-keyspace-events', '');
});

/** Starts a process that waits first in the queue of `key`, and sends it a signal. */
async function waitThen(key: string, signal: NodeJS.Signals, expire = '20s'): Promise<Worker> {
  const [worker] = await startWorkers(redis.url, 1);
  worker!.tell({ do: 'hold', key, expire });
  await untilQueued(redis.raw, key, 1);
  const heard = await subscribers(redis.raw);
  worker!.signal(signal);
  if (signal === 'SIGKILL') await eventually(async () => (await subscribers(redis.raw)) === heard - 1);
  return worker!;
}

describe('a process that waits', () => {
  it.each([
    ['and only its application listens', async () => undefined],
    ['and a monitor hears every channel', async (client: Redis) => client.psubscribe('*')],
    ['and a monitor hears the channels of the namespace', async (client: Redis) => client.psubscribe('lock:*')],
    ['and a monitor sees every command', async (client: Redis) => monitors.push(await client.monitor())],
    [
      'and a monitor hears what happens to keys',
      async (client: Redis) => {
        await redis.raw.config('SET', 'notify-keyspace-events', 'KEA');
        return client.psubscribe('__key*__:*');
      },
    ],
  ])('a waiting process that was killed is skipped at once, %s', async (_, listen) => {
    await listen(startMonitor());
    const [holder, next] = [await start(), await start()];
    const lock = await holder.acquire('k');
    await waitThen('k', 'SIGKILL');
    const waiting = next.acquire('k', { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 2);
    // The release finds no subscriber for the dead process.
    await lock.release();
    const value = await redis.raw.get('lock:k');
    expect(value).toContain((await waiting).ownerId);
    await (await waiting).release();
    await untilClean(redis.raw);
  });

  it('a waiting process without heartbeats for 5 s is skipped, and goes on when it can', async () => {
    const [holder, next] = [await start(), await start()];
    const lock = await holder.acquire('k');
    const stopped = await waitThen('k', 'SIGSTOP');
    const order: string[] = [];
    const waiting = next.execute('k', () => order.push('next'), { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 2);
    // The request of the next process removes the stopped one, and makes the next one first.
    await eventually(async () => (await heartbeats(redis.raw, 'k')).length === 1, 20_000);
    await lock.release();
    await waiting;
    expect(order).toEqual(['next']);
    expect(await redis.raw.exists('lock:k')).toBe(0);
    // Its own deadline of 5 s has passed by then: it cancels, and leaves nothing.
    stopped.signal('SIGCONT');
    expect(await stopped.hear('ended')).toMatchObject({ ended: 'k', code: expect.stringMatching(/^LOCK_/) });
    await untilClean(redis.raw);
    expect(await holder.execute('k', () => 'free')).toBe('free');
  });

  it('a process that is handed the lock while it is stopped holds it when it goes on within the lease', async () => {
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

  it('a killed process whose connection seems alive delays the next one by its lease at most', async () => {
    const proxy = await startProxy(redis.port);
    const [holder, next] = [await start(), await start()];
    const lock = await holder.acquire('k');
    const [worker] = await startWorkers(proxy.url, 1);
    worker!.tell({ do: 'hold', key: 'k', expire: '2s' });
    await untilQueued(redis.raw, 'k', 1);
    const waiting = next.acquire('k', { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 2);
    for (const connection of proxy.connections) connection.keep();
    worker!.kill();
    await lock.release();
    const since = performance.now();
    const granted = await redis.raw.get('lock:k');
    const served = await waiting;
    // Lease and a second, and two more on a busy machine.
    expect(performance.now() - since).toBeLessThan(2000 + 1000 + 2000);
    expect(granted).not.toContain(served.ownerId);
    await served.release();
    await untilClean(redis.raw);
  });

  it('a process does not believe that it holds a lock which was handed to it and expired while it was stopped', async () => {
    const [holder, next] = [await start(), await start()];
    const lock = await holder.acquire('k');
    const stopped = await waitThen('k', 'SIGSTOP', '1s');
    const waiting = next.acquire('k', { timeout: '20s' });
    await untilQueued(redis.raw, 'k', 2);
    await lock.release();
    const granted = await redis.raw.get('lock:k');
    const served = await waiting;
    expect(granted).not.toContain(served.ownerId);
    stopped.signal('SIGCONT');
    // The process learns of its grant only now. As the next one holds the key, its wait ends without a job.
    expect(await stopped.hear('ended')).toEqual({ ended: 'k', code: 'LOCK_TIMEOUT' });
    expect(served.held).toBe(true);
    expect(await served.release()).toBe(true);
    await untilClean(redis.raw);
  });

  it('a waiting process leaves the queue when its application closes, and ends by itself', async () => {
    const holder = await start();
    await holder.acquire('k');
    const [worker] = await startWorkers(redis.url, 1);
    worker!.tell({ do: 'hold', key: 'k', expire: '2s' });
    await untilQueued(redis.raw, 'k', 1);
    expect(await worker!.close()).toBe(0);
    await untilQueued(redis.raw, 'k', 0);
    expect(await subscribers(redis.raw)).toBe(0);
  });
});

describe('several processes that want the same key', () => {
  it('processes are served in the order in which they came', async () => {
    const holder = await start();
    const lock = await holder.acquire('k');
    const workers = await startWorkers(redis.url, 2);
    for (const [index, worker] of workers.entries()) {
      worker.tell({ do: 'hold', key: 'k', expire: '20s' });
      await untilQueued(redis.raw, 'k', index + 1);
    }
    await lock.release();
    const tokens: unknown[] = [lock.fencingToken];
    for (const [index, worker] of workers.entries()) {
      tokens.push((await worker.hear('holds')).token);
      await untilQueued(redis.raw, 'k', 1 - index);
      worker.tell({ do: 'wake' });
      await worker.hear('ended');
    }
    expect(tokens).toEqual([...tokens].sort());
    await untilClean(redis.raw);
  });
});
