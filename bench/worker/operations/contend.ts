import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { now, sleep, sleepUntil } from '../../clock.js';
import type { WorkerContext } from '../context.js';

export interface ContendParameters {
  readonly key: string;
  /** The job reads this key and writes it back, plus one. Without it the job is empty. */
  readonly counter: string | null;
  readonly tasks: number;
  /** On the clock of `now()`, so that several processes start together. */
  readonly startAt: number;
  readonly ms: number;
}

export interface ContendResult {
  readonly jobsPerTask: readonly number[];
  readonly longestWait: number;
  readonly gaveUp: number;
}

/**
 * How long the end waits for tasks that still wait; they have nothing to do any more. A few that sleep even longer find
 * the key free one by one, which does not disturb the next contender.
 */
const DRAIN_MS = 200;

/**
 * Tasks that want the same key again and again, with nothing in between. This loop is part of what is measured, so it
 * does little: no more than two looks at the clock for each job.
 */
export async function contend(
  { contender, redis }: WorkerContext,
  parameters: ContendParameters,
): Promise<ContendResult> {
  const { key, counter, tasks, startAt, ms } = parameters;
  await sleepUntil(startAt);
  const end = performance.now() + (startAt + ms - now());
  const jobsPerTask = new Array<number>(tasks).fill(0);
  /** Since when each task has been waiting; NaN while it is not. */
  const waitingSince = new Array<number>(tasks).fill(NaN);
  let longestWait = 0;
  let gaveUp = 0;
  let running = 0;

  /** Reads, then writes: two jobs in here at a time lose an update. */
  async function countUp(at: string): Promise<void> {
    running++;
    try {
      const count = Number(await redis.get(at));
      await redis.set(at, count + 1);
    } finally {
      running--;
    }
  }

  function endWait(task: number, at: number): void {
    const waited = Math.min(at, end) - (waitingSince[task] ?? NaN);
    if (waited > longestWait) longestWait = waited;
    waitingSince[task] = NaN;
  }

  async function runTask(task: number): Promise<void> {
    const work = async (): Promise<void> => {
      const begun = performance.now();
      endWait(task, begun);
      // A task that is served after the end does no job, so that the others end sooner.
      if (begun >= end) return;
      if (counter !== null) await countUp(counter);
      jobsPerTask[task] = (jobsPerTask[task] ?? 0) + 1;
    };
    for (let time = performance.now(); time < end; time = performance.now()) {
      // After the package gave up, the same wait goes on.
      if (Number.isNaN(waitingSince[task])) waitingSince[task] = time;
      try {
        await contender.run(key, work);
      } catch (error) {
        // The lock was granted, so the job or the release has failed.
        if (Number.isNaN(waitingSince[task])) throw error;
        gaveUp++;
        // A package that gives up without waiting must not starve the other tasks.
        await setImmediate();
      }
    }
  }

  const all = Promise.all(Array.from({ length: tasks }, async (_, task) => runTask(task)));
  await Promise.race([all, sleepUntil(startAt + ms + DRAIN_MS)]);
  // A job that began in time counts, and its write must be there when the counter is read.
  while (running > 0) await sleep(1);
  // A task that was never served has waited all the same.
  waitingSince.forEach((since, task) => {
    if (!Number.isNaN(since)) endWait(task, end);
  });
  return { jobsPerTask, longestWait, gaveUp };
}
