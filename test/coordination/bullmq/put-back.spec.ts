import { describe, expect, it } from '@jest/globals';
import type { Job } from 'bullmq';
import { lockedProcessor } from '../../../lib/coordination/bullmq/index.js';
import { eventually } from '../../support/poll.js';
import { deferred } from '../../support/deferred.js';
import { onEveryStore } from '../../support/stores.js';
import { fresh, inState, useQueues } from './support/queues.js';

interface Payment {
  readonly id: string;
  readonly seq?: number;
  readonly accounts?: readonly string[];
}

describe('a job whose key is held', () => {
  const queues = useQueues();

  onEveryStore((store) => {
    const options = { retryDelay: '100ms', expire: '10s' } as const;

    it('a job whose key is held is put back, uses up no attempt, and runs once the key is free', async () => {
      const locking = await store.open();
      const queue = queues.queue<Payment>();
      const holder = await (await store.open()).acquire('payment:1');
      let runs = 0;
      const failures: unknown[] = [];
      const worker = queues.work(
        queue,
        lockedProcessor(locking, 'payment:<0.data.id>', async () => Promise.resolve((runs += 1)), options),
      );
      worker.on('failed', (_, error) => failures.push(error));
      // Such an error would be that of completing or failing a job that is no longer the worker's own.
      worker.on('error', (error) => failures.push(error));
      const job = await queue.add('pay', { id: '1' }, { attempts: 1 });
      await eventually(async () => (await fresh(queue, job)).attemptsStarted >= 3);
      expect(runs).toBe(0);
      expect(await fresh(queue, job)).toMatchObject({ attemptsMade: 0, stalledCounter: 0 });
      await holder.release();
      const [done] = await inState(queue, 'completed', job);
      expect(done).toMatchObject({ attemptsMade: 1, stalledCounter: 0, returnvalue: 1 });
      expect([runs, failures]).toEqual([1, []]);
    });

    it('a job is put back also if its worker was made inside the job that holds the key', async () => {
      const locking = await store.open();
      const queue = queues.queue<Payment>();
      let runs = 0;
      const process = async (): Promise<number> => Promise.resolve((runs += 1));
      const job = await locking.execute('payment:1', async () => {
        queues.work(queue, lockedProcessor(locking, 'payment:<0.data.id>', process, options));
        const added = await queue.add('pay', { id: '1' });
        await eventually(async () => (await fresh(queue, added)).attemptsStarted >= 2);
        expect(runs).toBe(0);
        return added;
      });
      await inState(queue, 'completed', job);
      expect(runs).toBe(1);
    });

    it('a job that is put back leaves its worker free for others', async () => {
      const locking = await store.open();
      const queue = queues.queue<Payment>();
      const holder = await (await store.open()).acquire('payment:taken');
      const ran: string[] = [];
      const process = async ({ data }: Job<Payment>): Promise<void> => void ran.push(data.id);
      queues.work(queue, lockedProcessor(locking, 'payment:<0.data.id>', process, options), { concurrency: 1 });
      const taken = await queue.add('pay', { id: 'taken' });
      const free = await queue.add('pay', { id: 'free' });
      await inState(queue, 'completed', free);
      expect(ran).toEqual(['free']);
      await holder.release();
      await inState(queue, 'completed', taken);
    });

    it('a job that was put back is tried again after retryDelay, not before', async () => {
      const locking = await store.open();
      const queue = queues.queue<Payment>();
      const holder = await (await store.open()).acquire('payment:1');
      const asked: number[] = [];
      const retryDelay = ({ attemptsStarted }: Job<Payment>): number => {
        asked.push(attemptsStarted);
        return 60_000;
      };
      queues.work(
        queue,
        lockedProcessor(locking, 'payment:<0.data.id>', async () => 1, { retryDelay }),
      );
      const job = await queue.add('pay', { id: '1' });
      const [put] = await inState(queue, 'delayed', job);
      expect(put?.delay).toBeGreaterThan(59_000);
      expect(put?.delay).toBeLessThanOrEqual(60_000);
      expect(asked).toEqual([1]);
      await holder.release();
    });

    it('jobs with several keys that were put back are tried again after about a second, not all at the same time', async () => {
      const locking = await store.open();
      const queue = queues.queue<Payment>();
      await (await store.open()).acquire('all', { expire: '10s' });
      const keys = (): readonly string[] => ['all', 'other'];
      queues.work(
        queue,
        lockedProcessor(locking, keys, async () => Promise.resolve()),
        { concurrency: 20 },
      );
      const delays = new Map<string | undefined, number>();
      const jobs = await queue.addBulk(Array.from({ length: 20 }, () => ({ name: 'pay', data: { id: '1' } })));
      await eventually(async () => {
        for (const { id, delay } of await Promise.all(jobs.map((job) => fresh(queue, job)))) {
          if (delay > 0) delays.set(id, delay);
        }
        return delays.size === jobs.length;
      });
      expect(Math.min(...delays.values())).toBeGreaterThan(950);
      expect(Math.max(...delays.values())).toBeLessThanOrEqual(1200);
      expect(new Set(delays.values()).size).toBeGreaterThan(5);
    });

    it('jobs of one key run one at a time over several workers, and all of them run', async () => {
      const queue = queues.queue<Payment>();
      let inside = 0;
      let most = 0;
      const process = async (): Promise<void> => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      };
      for (let instance = 0; instance < 3; instance += 1) {
        const locking = await store.open();
        queues.work(queue, lockedProcessor(locking, 'account', process, { retryDelay: '5ms' }), { concurrency: 4 });
      }
      const jobs = await queue.addBulk(
        Array.from({ length: 30 }, (_, i) => ({ name: 'pay', data: { id: String(i) } })),
      );
      for (const job of await inState(queue, 'completed', ...jobs)) expect(job.attemptsMade).toBe(1);
      expect(most).toBe(1);
    });

    it('a job that ready refuses waits for its turn', async () => {
      const locking = await store.open();
      const queue = queues.queue<Payment>();
      const done: number[] = [];
      const processor = lockedProcessor(
        locking,
        'customer:<0.data.id>',
        async ({ data }: Job<Payment>) => void done.push(data.seq!),
        { retryDelay: '20ms', ready: async ({ data }) => Promise.resolve(data.seq === done.length + 1) },
      );
      queues.work(queue, processor, { concurrency: 2 });
      const jobs = await queue.addBulk(
        [5, 3, 1, 4, 2].map((seq) => ({ name: 'pay', data: { id: 'ada', seq }, opts: { attempts: 1 } })),
      );
      for (const job of await inState(queue, 'completed', ...jobs)) expect(job.attemptsMade).toBe(1);
      expect(done).toEqual([1, 2, 3, 4, 5]);
      expect(await locking.inspect('customer:ada')).toBeNull();
    });

    it('a job with a timeout waits for its key, and can be cancelled meanwhile', async () => {
      const locking = await store.open();
      const queue = queues.queue<Payment>();
      const holder = await (await store.open()).acquire('payment:1');
      const processor = lockedProcessor(locking, 'payment:<0.data.id>', async () => 'paid', { timeout: '20s' });
      const worker = queues.work(queue, processor, { concurrency: 2 });
      const cancelled = await queue.add('pay', { id: '1' });
      await eventually(async () => (await locking.inspect('payment:1'))?.waiters === 1);
      worker.cancelJob(cancelled.id!, 'the customer changed his mind');
      const [failed] = await inState(queue, 'failed', cancelled);
      expect(failed?.failedReason).toContain('was cancelled while it waited for its lock: the customer');
      const waiting = await queue.add('pay', { id: '1' });
      await eventually(async () => (await locking.inspect('payment:1'))?.waiters === 1);
      await holder.release();
      const [paid] = await inState(queue, 'completed', waiting);
      expect(paid).toMatchObject({ returnvalue: 'paid', attemptsStarted: 1 });
    });

    it('a job with several keys is put back if any of them is held, and acquires all of them', async () => {
      const locking = await store.open();
      const queue = queues.queue<Payment>();
      const holder = await (await store.open()).acquire('account:b');
      const held: (readonly string[] | undefined)[] = [];
      const process = async (): Promise<void> => void held.push(locking.current()?.keys);
      const work = (key: Parameters<typeof lockedProcessor<Job<Payment>, void>>[1]): void => {
        queues.work(queue, lockedProcessor(locking, key, process, options));
      };
      work('account:<0.data.accounts[]>');
      const one = await queue.add('move', { id: '1', accounts: ['b', 'a'] });
      await inState(queue, 'delayed', one);
      expect(await locking.inspect('account:a')).toBeNull();
      await holder.release();
      await inState(queue, 'completed', one);
      expect(held).toEqual([['account:a', 'account:b']]);
    });

    it('the keys of a job may come from a function', async () => {
      const locking = await store.open();
      const queue = queues.queue<Payment>();
      const inside = deferred();
      const leave = deferred();
      const process = async (): Promise<void> => {
        inside.resolve();
        await leave.promise;
      };
      queues.work(
        queue,
        lockedProcessor(locking, (job: Job<Payment>) => [`name:${job.name}`, `id:${job.data.id}`], process),
      );
      const job = await queue.add('refund', { id: '7' });
      await inside.promise;
      expect(await locking.inspect('name:refund')).not.toBeNull();
      expect(await locking.inspect('id:7')).not.toBeNull();
      leave.resolve();
      await inState(queue, 'completed', job);
    });
  });
});
