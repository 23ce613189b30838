import { afterEach } from '@jest/globals';
import { Queue, Worker, type Job, type Processor, type WorkerOptions } from 'bullmq';
import { randomUUID } from 'node:crypto';
import { eventually } from '../../../support/poll.js';
import { useRedisServer, type RedisServerAccess } from '../../../support/redis.js';

export interface Queues extends RedisServerAccess {
  readonly connection: { host: string; port: number };
  /** A queue with a name of its own. */
  queue<Data = unknown>(): Queue<Data>;
  /** A worker of `queue`, with `options` over those of BullMQ. */
  work<Data = unknown>(queue: Queue<Data>, processor: Processor<Data>, options?: Partial<WorkerOptions>): Worker<Data>;
}

/** Queues and workers on a server of the test file; they are closed after each test. */
export function useQueues(): Queues {
  const redis = useRedisServer();
  let open: { close(force?: boolean): Promise<void> }[] = [];
  const connection = () => ({ host: '127.0.0.1', port: redis.port });

  afterEach(async () => {
    // Workers close before their queues.
    for (const each of open.reverse()) await each.close(true);
    open = [];
  });

  return {
    get server() {
      return redis.server;
    },
    get port() {
      return redis.port;
    },
    get url() {
      return redis.url;
    },
    get connection() {
      return connection();
    },
    queue: <Data>() => {
      const queue = new Queue<Data>(`q-${randomUUID()}`, { connection: connection() });
      open.push({ close: () => queue.close() });
      return queue;
    },
    work: <Data>(queue: Queue<Data>, processor: Processor<Data>, options: Partial<WorkerOptions> = {}) => {
      const worker = new Worker<Data>(queue.name, processor, { connection: connection(), drainDelay: 1, ...options });
      worker.on('error', () => undefined);
      open.push(worker);
      return worker;
    },
  };
}

/** The present state of the job in the queue. */
export async function fresh<Data>(queue: Queue<Data>, { id }: Job<Data>): Promise<Job<Data>> {
  const found = await queue.getJob(id!);
  if (!found) throw new Error(`The job ${String(id)} is gone`);
  return found;
}

/** Resolves once every job is in `state`, with their states in the queue. */
export async function inState<Data>(
  queue: Queue<Data>,
  state: 'completed' | 'failed' | 'delayed' | 'active',
  ...jobs: Job<Data>[]
): Promise<Job<Data>[]> {
  for (const job of jobs) await eventually(async () => (await job.getState()) === state, 20_000);
  return Promise.all(jobs.map((job) => fresh(queue, job)));
}
