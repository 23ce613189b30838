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
 * How long the tasks that still wait at the end are waited for. They have nothing to do any more. The few that sleep
 * even longer find the key free one by one, which the next in turn will not notice.
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

  /** Reads, then writes: where two are in here at a time, an update is lost. */
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
      // Who is served after the end leaves at once: the others get out faster.
      if (begun >= end) return;
      if (counter !== null) await countUp(counter);
      jobsPerTask[task] = (jobsPerTask[task] ?? 0) + 1;
    };
    for (let time = performance.now(); time < end; time = performance.now()) {
      // Who was given up on goes on with the same wait.
      if (Number.isNaN(waitingSince[task])) waitingSince[task] = time;
      try {
        await contender.run(key, work);
      } catch (error) {
        // Not for the lock, but for the job or the release: an error of its own.
        if (Number.isNaN(waitingSince[task])) throw error;
        gaveUp++;
        // One that gives up without waiting must not keep the others from running.
        await setImmediate();
      }
    }
  }

  const all = Promise.all(Array.from({ length: tasks }, async (_, task) => runTask(task)));
  await Promise.race([all, sleepUntil(startAt + ms + DRAIN_MS)]);
  // What was begun in time counts, and its write has to be there when the counter is read.
  while (running > 0) await sleep(1);
  // Whoever was never served has waited all the same.
  waitingSince.forEach((since, task) => {
    if (!Number.isNaN(since)) endWait(task, end);
  });
  return { jobsPerTask, longestWait, gaveUp };
}
