import { DelayedError, type Job } from 'bullmq';

/**
 * Has the queue try the job again in `delay` milliseconds. It uses up no attempt, and the worker's slot is free.
 *
 * @throws DelayedError always: it tells the worker that the job is not its own any more
 */
export async function putBack(job: Job, token: string, delay: number): Promise<never> {
  await job.moveToDelayed(Date.now() + delay, token);
  throw new DelayedError();
}

const MOVED = ['DelayedError', 'WaitingError', 'WaitingChildrenError', 'RateLimitError'];

/** What the same errors say, unless they are given a text: a minifier takes their names away. */
const SAYS_MOVED = /^bullmq:(?:movedToDelayed|movedToWait|movedToWaitingChildren|rateLimitExceeded)$/;

/** Whether an error says that the job has been moved elsewhere: to fail it is then no longer the worker's to do. */
export function saysMoved(error: unknown): boolean {
  return error instanceof Error && (MOVED.includes(error.name) || SAYS_MOVED.test(error.message));
}
