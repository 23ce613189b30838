import { describe, expect, it } from '@jest/globals';
import { lockedProcessor } from '../../../lib/coordination/bullmq/index.js';
import { useApplications } from '../../support/applications.js';
import { eventually } from '../../support/poll.js';
import { useRedisServer } from '../../support/redis.js';
import { fresh, inState, useQueues } from './support/queues.js';

const KEY = 'payment:<0.data>';

describe('while the store of the locks is down', () => {
  const queues = useQueues();
  const locks = useRedisServer();
  const applications = useApplications();

  it('jobs are put back without an attempt while the store of the locks is down, with one warning, and run afterwards', async () => {
    const { locking, log } = await applications.onRedis({ redisUrl: locks.url });
    const queue = queues.queue<string>();
    let runs = 0;
    const process = async (): Promise<number> => Promise.resolve((runs += 1));
    queues.work(queue, lockedProcessor(locking, KEY, process, { retryDelay: '50ms' }), { concurrency: 5 });
    locks.server.kill('SIGKILL');
    const jobs = await queue.addBulk(['1', '2', '3'].map((data) => ({ name: 'pay', data, opts: { attempts: 1 } })));
    for (const job of jobs) await eventually(async () => (await fresh(queue, job)).attemptsStarted >= 3);
    expect(runs).toBe(0);
    await locks.server.restart();
    for (const job of await inState(queue, 'completed', ...jobs)) expect(job).toMatchObject({ attemptsMade: 1 });
    expect(runs).toBe(3);
    expect(log.of('warn').filter((line) => line.includes('was put back'))).toHaveLength(1);
  });

  it('a worker does not try the whole queue at once while the store of the locks is down', async () => {
    const { locking } = await applications.onRedis({ redisUrl: locks.url });
    const queue = queues.queue<string>();
    locks.server.kill('SIGKILL');
    const jobs = await queue.addBulk(Array.from({ length: 20 }, (_, i) => ({ name: 'pay', data: String(i) })));
    queues.work(
      queue,
      lockedProcessor(locking, KEY, async () => Promise.resolve(), { retryDelay: '1h' }),
    );
    await inState(queue, 'delayed', jobs[0]!);
    expect(await queue.getWaitingCount()).toBeGreaterThanOrEqual(18);
    await locks.server.restart();
  });

  it('jobs fail while the store of the locks is down if an option says so', async () => {
    const { locking } = await applications.onRedis({ redisUrl: locks.url });
    const queue = queues.queue<string>();
    locks.server.kill('SIGKILL');
    const process = async (): Promise<void> => Promise.resolve();
    queues.work(queue, lockedProcessor(locking, KEY, process, { onStoreDown: 'fail' }));
    const [failed] = await inState(queue, 'failed', await queue.add('pay', '1'));
    expect(failed?.attemptsMade).toBe(1);
    expect(failed?.failedReason).toContain('payment:1');
    await locks.server.restart();
  });
});
