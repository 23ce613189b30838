import { hostname } from 'node:os';

/** Everything that is turned when the application is scaled, in one place; docs/scaling.md tells what each is for. */
export const settings = {
  /** The Redis of the queue, the locks and the bank. */
  get redisUrl(): string {
    return fromEnvironment('LOCKING_REDIS_URL', 'redis://localhost:6379');
  },
  /** The name of this instance: of its worker in the queue, and in the election. */
  instanceId: fromEnvironment('INSTANCE_ID', `${hostname()}-${process.pid}`),

  queue: {
    prefix: 'payments-sample',
    /** Payments at a time in one instance … */
    concurrency: 3,
    /** … and in all of them together. */
    globalConcurrency: 4,
    /** A worker that has not renewed a job for so long is taken for dead … */
    lockDuration: 5_000,
    /** … at one of these looks, of which it takes two. */
    stalledInterval: 500,
    /** How many workers may die of a payment before it fails. */
    maxStalledCount: 3,
    /** How often a payment that fails is tried again. */
    attempts: 5,
    backoff: { type: 'fixed', delay: 200 },
  },

  locks: {
    namespace: 'payments-sample:lock:',
    /** What a worker that dies costs its customer. */
    expire: '5s',
    /** When a payment is tried again that was put back, as it is not its turn or its customer is busy. */
    retryDelay: '200ms',
  },

  leader: {
    heartbeatInterval: '500ms',
    leaderTimeout: '2s',
  },
} as const;

function fromEnvironment(name: string, fallback: string): string {
  const value = process.env[name]?.trim() ?? '';
  return value === '' ? fallback : value;
}
