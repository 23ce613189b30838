import type { Job } from 'bullmq';
import type { Entry } from '../bank/entry.js';
import type { Payment } from '../payments/payment.js';

/** The figures of a run, read from the queue. */
export interface QueueFigures {
  readonly failed: number;
  /** How often a job went to another worker because its own was found dead. */
  readonly stalled: number;
  /** How often a job was put back, as it was not its turn or its customer was busy. */
  readonly putBack: number;
  /** Milliseconds from adding a payment to its charge. */
  readonly longestWait: number;
}

export function queueFigures(jobs: readonly Job<Payment>[], failed: number, entries: readonly Entry[]): QueueFigures {
  const sum = (of: (job: Job<Payment>) => number): number => jobs.reduce((total, job) => total + of(job), 0);
  const chargedAt = new Map(entries.filter(({ kind }) => kind === 'charge').map(({ id = '', at }) => [id, at]));
  return {
    failed,
    stalled: sum(({ stalledCounter }) => stalledCounter),
    // A job was put back after a start that neither ended an attempt nor ended with its worker.
    putBack: sum(
      ({ attemptsStarted, attemptsMade, stalledCounter }) => attemptsStarted - attemptsMade - stalledCounter,
    ),
    longestWait: Math.max(0, ...jobs.map(({ data, timestamp }) => (chargedAt.get(data.id) ?? timestamp) - timestamp)),
  };
}
