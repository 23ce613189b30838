import { DelayedError, type Job } from 'bullmq';
import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds between attempts to move a job, where the queue's store refuses it. */
const PAUSES = [50, 150, 400, 900];

/** What came of putting a job back. */
export type PutBackOutcome =
  /** It is delayed. */
  | { readonly end: 'delayed' }
  /** It is no longer this worker's: the queue has given it to another one, or a first answer was lost. */
  | { readonly end: 'gone' }
  /** The store of the queue did not take it. The job stays active until the queue takes it for stalled. */
  | { readonly end: 'refused'; readonly error: unknown };

/** Has the queue try the job again in `milliseconds`. It uses up no attempt, and the worker's slot is free. */
export async function putBack(job: Job, token: string, milliseconds: number): Promise<PutBackOutcome> {
  for (let failures = 0; ; failures += 1) {
    try {
      await job.moveToDelayed(Date.now() + milliseconds, token);
      return { end: 'delayed' };
    } catch (error) {
      if (isAnswerOfScript(error)) return { end: 'gone' };
      const pause = PAUSES[failures];
      if (pause === undefined) return { end: 'refused', error };
      await delay(pause, undefined, { ref: false });
    }
  }
}

/**
 * What tells the worker that the job is not its own any more. It counts no attempt then, whatever came of putting the job
 * back: a job that was not run must not fail for good.
 */
export function notRun(): Error {
  return new DelayedError();
}

/** BullMQ gives its errors about a job's state the negative code that its script has answered. */
function isAnswerOfScript(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'number' && code < 0;
}

const MOVED = ['DelayedError', 'WaitingError', 'WaitingChildrenError', 'RateLimitError'];

/** What the same errors say, unless they are given a text: a minifier takes their names away. */
const SAYS_MOVED = /^bullmq:(?:movedToDelayed|movedToWait|movedToWaitingChildren|rateLimitExceeded)$/;

/** Whether an error says that the job has been moved elsewhere: to fail it is then no longer the worker's to do. */
export function saysMoved(error: unknown): boolean {
  return error instanceof Error && (MOVED.includes(error.name) || SAYS_MOVED.test(error.message));
}
