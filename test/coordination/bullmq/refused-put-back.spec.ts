import { describe, expect, it } from '@jest/globals';
import type { Job } from 'bullmq';
import { Redis } from 'ioredis';
import { lockedProcessor } from '../../../lib/coordination/bullmq/index.js';
import { useApplications } from '../../support/applications.js';
import { eventually } from '../../support/poll.js';
import { useRedisServer } from '../../support/redis.js';
import { fresh, inState, useQueues } from './support/queues.js';

const KEY = 'payment:<0.data>';

describe('a job that cannot be put back, as the store of the queue refuses to write', () => {
  const queues = useQueues();
  const locks = useRedisServer();
  const applications = useApplications();

  /** Makes the queue's server refuse every write, as after a failover, until the returned function is called. */
  async function readOnly(): Promise<() => Promise<void>> {
    const redis = new Redis(queues.url);
    await redis.replicaof('127.0.0.1', 1);
    return async () => {
      await redis.call('REPLICAOF', 'NO', 'ONE');
      redis.disconnect();
    };
  }

  it('a job is put back once the store of the queue accepts it, and uses up no attempt', async () => {
    const { locking, log } = await applications.onRedis({ redisUrl: locks.url });
    const queue = queues.queue<string>();
    let recover: (() => Promise<void>) | undefined;
    let failedMoves = 0;
    const ready = async (job: Job<string>): Promise<boolean> => {
      if (recover) return true;
      recover = await readOnly();
      const moveToDelayed = job.moveToDelayed.bind(job);
      job.moveToDelayed = async (...args) => {
        try {
          await moveToDelayed(...args);
        } catch (error) {
          failedMoves += 1;
          throw error;
        }
      };
      return false;
    };
    const worker = queues.work(
      queue,
      lockedProcessor(locking, KEY, async () => Promise.resolve('ran'), { ready }),
    );
    const failures: unknown[] = [];
    worker.on('failed', (_, error) => failures.push(error));
    const job = await queue.add('pay', '1', { attempts: 1 });
    await eventually(() => failedMoves > 0);
    await recover!();
    const [done] = await inState(queue, 'completed', job);
    expect(done).toMatchObject({ returnvalue: 'ran', attemptsMade: 1, stalledCounter: 0 });
    expect(failures).toEqual([]);
    expect(log.of('warn')).toEqual([]);
  });

  it('a job is found stalled, and does not fail, if the store of the queue never accepts it', async () => {
    const { locking, log } = await applications.onRedis({ redisUrl: locks.url });
    const queue = queues.queue<string>();
    let recover: (() => Promise<void>) | undefined;
    const ready = async (): Promise<boolean> => {
      if (recover) return true;
      recover = await readOnly();
      return false;
    };
    const processor = lockedProcessor(locking, KEY, async () => Promise.resolve('ran'), { ready });
    const worker = queues.work(queue, processor, { lockDuration: 5000, stalledInterval: 500 });
    const failures: unknown[] = [];
    worker.on('failed', (_, error) => failures.push(error));
    const job = await queue.add('pay', '1', { attempts: 1 });
    await eventually(() => log.of('warn').some((line) => line.includes('could not be put back')));
    expect((await fresh(queue, job)).attemptsMade).toBe(0);
    await recover!();
    const [done] = await inState(queue, 'completed', job);
    expect(done).toMatchObject({ returnvalue: 'ran', attemptsMade: 1 });
    expect(failures).toEqual([]);
  });
});
