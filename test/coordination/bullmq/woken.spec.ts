import { describe, expect, it } from '@jest/globals';
import type { Job } from 'bullmq';
import { KeyWatches } from '../../../lib/coordination/bullmq/key-watches.js';
import { lockedProcessor } from '../../../lib/coordination/bullmq/index.js';
import type { LockingService } from '../../../lib/index.js';
import { eventually } from '../../support/poll.js';
import { onEveryStore } from '../../support/stores.js';
import { fresh, inState, useQueues } from './support/queues.js';

const ONE = '<0.data>';

describe('a job that was put back as its one key is held', () => {
  const queues = useQueues();
  const isPutBack = async (queue: ReturnType<typeof queues.queue<string>>, job: Job<string>): Promise<Job<string>> => {
    const [delayed] = await inState(queue, 'delayed', job);
    return delayed!;
  };

  onEveryStore((store) => {
    it('a job that was put back is woken when another process releases the key, long before its delay ends', async () => {
      const queue = queues.queue<string>();
      const holder = await (await store.open()).acquire('k');
      const processor = lockedProcessor(await store.open(), ONE, async () => Promise.resolve('ran'));
      queues.work(queue, processor);
      const job = await queue.add('pay', 'k', { attempts: 1 });
      const { delay } = await isPutBack(queue, job);
      expect(delay).toBeGreaterThanOrEqual(30_000);
      expect(delay).toBeLessThanOrEqual(36_000);
      await holder.release();
      const [done] = await inState(queue, 'completed', job);
      expect(done).toMatchObject({ returnvalue: 'ran', attemptsMade: 1 });
    });

    it('a job that was put back with a retryDelay is woken, too, also when the holder has died', async () => {
      const queue = queues.queue<string>();
      await (await store.open()).acquire('k', { expire: '1500ms' });
      const processor = lockedProcessor(await store.open(), ONE, async () => Promise.resolve(), { retryDelay: '1h' });
      queues.work(queue, processor);
      const job = await queue.add('pay', 'k');
      expect((await isPutBack(queue, job)).delay).toBeGreaterThan(3_500_000);
      await inState(queue, 'completed', job);
    });

    it('a job that was put back does not use the rate limit of its queue while it waits', async () => {
      const queue = queues.queue<string>();
      const holder = await (await store.open()).acquire('k');
      const processor = lockedProcessor(await store.open(), ONE, async () => Promise.resolve());
      queues.work(queue, processor, { limiter: { max: 5, duration: 500 } });
      const blocked = await queue.addBulk(Array.from({ length: 5 }, () => ({ name: 'pay', data: 'k' })));
      await inState(queue, 'delayed', ...blocked);
      // Added one after another, as a job that is tried again goes to the end of the queue.
      for (let count = 0; count < 20; count += 1) {
        await inState(queue, 'completed', await queue.add('pay', `free ${String(count)}`));
      }
      const tries = (await Promise.all(blocked.map(async (job) => fresh(queue, job)))).map(
        (job) => job.attemptsStarted,
      );
      expect(tries).toEqual([1, 1, 1, 1, 1]);
      await holder.release();
      await inState(queue, 'completed', ...blocked);
    });

    it.each([1, 3])(
      'each release wakes one job that was put back, in order, with workers in %d processes',
      async (processes) => {
        const queue = queues.queue<string>();
        let inside = 0;
        let most = 0;
        const work = async (): Promise<void> => {
          inside += 1;
          most = Math.max(most, inside);
          await new Promise((resolve) => setImmediate(resolve));
          inside -= 1;
        };
        for (let process = 0; process < processes; process += 1) {
          queues.work(queue, lockedProcessor(await store.open(), ONE, work), { concurrency: 10 });
        }
        const locking = await store.open();
        const holder = await locking.acquire('k');
        const jobs = await queue.addBulk(Array.from({ length: 30 }, () => ({ name: 'pay', data: 'k' })));
        await inState(queue, 'delayed', ...jobs);
        await holder.release();
        const done = await inState(queue, 'completed', ...jobs);
        expect(most).toBe(1);
        // Each process wakes one of its own jobs; all but the first are put back once more.
        const tries = done.reduce((sum, job) => sum + job.attemptsStarted, 0) / done.length;
        expect(tries).toBeLessThan(2 + 2 * processes);
        await eventually(async () => (await locking.inspect('k')) === null);
      },
    );

    it('a job that was put back does not keep its application from closing', async () => {
      const queue = queues.queue<string>();
      const holder = await (await store.open()).acquire('k');
      const application = await store.openApplication();
      const { LockingService: token } = await import('../../../lib/index.js');
      queues.work(
        queue,
        lockedProcessor(application.get(token), ONE, async () => Promise.resolve()),
      );
      const job = await queue.add('pay', 'k');
      await isPutBack(queue, job);
      await application.close();
      expect(holder.held).toBe(true);
    });
  });

  it('a job that was put back comes back after its delay if too many keys are watched already', () => {
    const waiting = { acquire: async () => new Promise(() => undefined) } as unknown as LockingService;
    const watches = new KeyWatches(waiting, {});
    const job = { id: '1' } as Job;
    let keys = 0;
    while (watches.accepts(`key ${String(keys)}`)) watches.add(`key ${String(keys++)}`, job, 30_000);
    expect(keys).toBe(5000);
    expect(watches.accepts('key 0')).toBe(true);
  });
});
