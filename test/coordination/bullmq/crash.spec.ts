import { describe, expect, it } from '@jest/globals';
import type { Job, Queue } from 'bullmq';
import { fileURLToPath } from 'node:url';
import { lockedProcessor } from '../../../lib/coordination/bullmq/index.js';
import { useApplications } from '../../support/applications.js';
import { eventually } from '../../support/poll.js';
import { useWorkers, type Worker } from '../../support/workers.js';
import { fresh, inState, useQueues } from './support/queues.js';

const program = fileURLToPath(new URL('support/worker.mjs', import.meta.url));

interface Payment {
  readonly id: string;
  readonly customer: string;
  /** Whether its worker waits for an order to go on. */
  readonly waits?: boolean;
}

describe('a worker process that dies, freezes or puts back', () => {
  const queues = useQueues();
  const startWorkers = useWorkers(program);
  const applications = useApplications();

  async function startWorker(queue: Queue<Payment>, maxStalled = ''): Promise<Worker> {
    const [worker] = await startWorkers(queues.url, 1, { QUEUE: queue.name, MAX_STALLED: maxStalled });
    return worker!;
  }

  /** A worker that waits inside a payment. */
  async function inside(queue: Queue<Payment>, maxStalled?: string): Promise<[Worker, Job<Payment>, number]> {
    const worker = await startWorker(queue, maxStalled);
    const job = await queue.add('pay', { id: '1', customer: 'ada', waits: true }, { attempts: 5 });
    const { fencingToken } = await worker.hear('begun');
    return [worker, job, fencingToken as number];
  }

  it('the job of a worker that is killed half-way runs elsewhere when the lease has expired, with a greater token', async () => {
    const queue = queues.queue<Payment>();
    const [killed, job, token] = await inside(queue);
    const other = await startWorker(queue);
    const { locking } = await applications.onRedis({ redisUrl: queues.url });
    killed.kill();
    await eventually(async () => (await fresh(queue, job)).attemptsStarted >= 2, 20_000);
    // The job was found stalled, and was put back, as the lease of the dead worker still holds the customer.
    expect((await locking.inspect('customer:ada'))?.fencingToken).toBe(token);
    expect(await fresh(queue, job)).toMatchObject({ attemptsMade: 0, stalledCounter: 1 });
    const begun = await other.hear('begun');
    expect(begun.fencingToken).toBeGreaterThan(token);
    expect(begun.attemptsStarted).toBeGreaterThan(2);
    other.tell({ do: 'go' });
    expect(await other.hear('wrote')).toEqual({ wrote: '1', accepted: true, aborted: false });
    const [done] = await inState(queue, 'completed', job);
    expect(done).toMatchObject({ attemptsMade: 1, stalledCounter: 1 });
  });

  it('with maxStalledCount 0, the job of a worker that is killed half-way never runs again', async () => {
    const queue = queues.queue<Payment>();
    const [killed, job] = await inside(queue, '0');
    const other = await startWorker(queue, '0');
    killed.kill();
    const [failed] = await inState(queue, 'failed', job);
    expect(failed?.failedReason).toBe('job stalled more than allowable limit');
    // The customer's next payment waits for the lease of the dead worker, and is the only one that the other worker
    // begins.
    const next = await queue.add('pay', { id: '2', customer: 'ada' });
    await inState(queue, 'completed', next);
    expect((await other.hear('begun')).begun).toBe('2');
    expect(await fresh(queue, job)).toMatchObject({ attemptsStarted: 2, finishedOn: failed?.finishedOn });
  });

  it('the job of a worker that is frozen half-way runs elsewhere, and late writes of the frozen worker are refused', async () => {
    const queue = queues.queue<Payment>();
    const [frozen, job, token] = await inside(queue);
    const other = await startWorker(queue);
    frozen.signal('SIGSTOP');
    const begun = await other.hear('begun');
    expect(begun.fencingToken).toBeGreaterThan(token);
    other.tell({ do: 'go' });
    expect(await other.hear('wrote')).toMatchObject({ accepted: true, aborted: false });
    const [done] = await inState(queue, 'completed', job);
    frozen.tell({ do: 'go' });
    frozen.signal('SIGCONT');
    expect(await frozen.hear('wrote')).toMatchObject({ accepted: false, aborted: true });
    // The frozen worker fails its job, which the queue refuses.
    while (!String((await frozen.hear('error')).error).includes('job'));
    expect(await fresh(queue, job)).toMatchObject({ attemptsMade: 1, finishedOn: done?.finishedOn });
  });

  it('a job that is put back for longer than the stalled check takes is not found stalled', async () => {
    const queue = queues.queue<Payment>();
    const { locking } = await applications.onRedis({ redisUrl: queues.url });
    const other = await applications.onRedis({ redisUrl: queues.url });
    const holder = await other.locking.acquire('customer:ada');
    const stalled: string[] = [];
    const key = 'customer:<0.data.customer>';
    const processor = lockedProcessor(locking, key, async () => Promise.resolve(), { retryDelay: '250ms' });
    const options = { maxStalledCount: 0, stalledInterval: 50, lockDuration: 1000 };
    for (let count = 0; count < 2; count += 1) {
      queues.work(queue, processor, options).on('stalled', (id) => stalled.push(id));
    }
    const job = await queue.add('pay', { id: '1', customer: 'ada' });
    await eventually(async () => (await fresh(queue, job)).attemptsStarted >= 12);
    await holder.release();
    const [done] = await inState(queue, 'completed', job);
    expect(done).toMatchObject({ stalledCounter: 0, attemptsMade: 1 });
    expect(stalled).toEqual([]);
  });
});
