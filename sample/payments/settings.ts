import { hostname } from 'node:os';

/** All settings that change when the application is scaled. docs/scaling.md explains each. */
export const settings = {
  /** The Redis of the queue, the locks and the bank. */
  get redisUrl(): string {
    return fromEnvironment('LOCKING_REDIS_URL', 'redis://localhost:6379');
  },
  /** The name of this instance, as a worker of the queue and in the election. */
  instanceId: fromEnvironment('INSTANCE_ID', `${hostname()}-${process.pid}`),

  queue: {
    prefix: 'payments-sample',
    /** Payments at a time in one instance … */
    concurrency: 3,
    /** … and in all of them together. */
    globalConcurrency: 4,
    /** BullMQ takes a worker for dead that has not renewed its job for so many milliseconds … */
    lockDuration: 5_000,
    /** … and checks that at this interval; it takes two checks. */
    stalledInterval: 500,
    /** How many workers may die during a payment before it fails. */
    maxStalledCount: 3,
    /** How often BullMQ tries a payment. */
    attempts: 5,
    backoff: { type: 'fixed', delay: 200 },
  },

  locks: {
    namespace: 'payments-sample:lock:',
    /** The lease: a customer waits so long at most for the lock of a worker that died. */
    expire: '5s',
    /** The delay of a payment that was put back, as it is not its turn or its customer is busy. */
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
