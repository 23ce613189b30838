import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from '../../support/poll.js';
import { useRedisServer } from '../../support/redis.js';
import { useCronWorkers, type CronWorker } from './support/cron-workers.js';

/** The first process is the first at each tick. */
const SKEWS = [2000, 0, -2000];

const server = useRedisServer();
const workers = useCronWorkers();
let redis: Redis;

beforeEach(async () => {
  redis = new Redis(server.url);
  await redis.flushall();
});

afterEach(() => {
  redis.disconnect();
});

interface Inside {
  readonly worker: CronWorker;
  readonly tick: string;
  readonly token: number;
}

/** A run that is held, in another process than `besides`. */
async function inside(besides?: CronWorker): Promise<Inside> {
  const find = () => workers.said.find(({ worker, message }) => 'inside' in message && worker !== besides);
  await eventually(() => find() !== undefined, 20_000);
  const { worker, message } = find()!;
  return { worker, tick: message.inside as string, token: message.token as number };
}

/** A held run of a tick that all processes have. */
async function holdATick(): Promise<Inside> {
  const [first, ...others] = await workers.start(SKEWS.map((skew) => ({ redisUrl: server.url, skew })));
  first!.hold();
  const held = await inside();
  // After the lease, the others may take over that tick just before or just after a later one.
  for (const other of others) other.hold(held.tick);
  return held;
}

describe('three processes with clocks that are apart', () => {
  it('a tick is run again, once, when the process that runs it is killed; with a greater token', async () => {
    const first = await holdATick();
    first.worker.child.kill('SIGKILL');
    const second = await inside(first.worker);
    expect(second.tick).toBe(first.tick);
    expect(second.token).toBeGreaterThan(first.token);
    second.worker.wake();
    // the mark outlives its process
    await eventually(async () => (await redis.pttl(`lock:cron:every-second@${first.tick}`)) > 10_000);
    expect(await redis.llen(`ran:${first.tick}`)).toBe(2);
  });

  it('a process that is frozen beyond its lease learns of its loss, and another one runs its tick', async () => {
    const first = await holdATick();
    first.worker.child.kill('SIGSTOP');
    const second = await inside(first.worker);
    expect(second.tick).toBe(first.tick);
    expect(second.token).toBeGreaterThan(first.token);
    first.worker.child.kill('SIGCONT');
    const ended = () => workers.said.find(({ worker, message }) => worker === first.worker && 'outside' in message);
    await eventually(() => ended() !== undefined);
    expect(ended()!.message).toEqual({ outside: first.tick, aborted: true });
    // the frozen process did not mark the tick as done: only the one that runs it does
    expect(await redis.pttl(`lock:cron:every-second@${first.tick}`)).toBeLessThanOrEqual(2000);
    second.worker.wake();
    await eventually(async () => (await redis.pttl(`lock:cron:every-second@${first.tick}`)) > 10_000);
    expect(await redis.llen(`ran:${first.tick}`)).toBe(2);
  });

  it('processes with scheduled jobs end by themselves, and leave marks only', async () => {
    const all = await workers.start(SKEWS.map((skew) => ({ redisUrl: server.url, skew })));
    await eventually(async () => (await redis.keys('ran:*')).length >= 3);
    expect(await Promise.all(all.map((worker) => worker.close()))).toEqual([0, 0, 0]);
    const keys = (await redis.keys('lock:*')).filter((key) => key !== 'lock:nestjs-locking:fence');
    expect(keys.filter((key) => !key.startsWith('lock:cron:every-second@'))).toEqual([]);
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0);
  });
});
