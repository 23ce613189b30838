import { now } from '../clock.js';
import type { Participant } from '../contenders/participants.js';
import { jain, sum } from '../statistics.js';
import type { Stage } from './row.js';
import type { Sample } from './sample.js';

export interface Contention {
  readonly processes: number;
  /** Tasks in each process. */
  readonly tasks: number;
  readonly job: 'read and write' | 'empty';
  readonly ms: number;
}

/** Time for the call to reach all processes, so that they begin together. */
const LEAD_MS = 60;

/** Many tasks want one key, again and again. */
export async function contention(stage: Stage, participant: Participant, work: Contention): Promise<Sample> {
  const { crew, redis, newKey } = stage;
  // Without a lock, one task alone does the jobs one after another.
  const alone = participant.kind === 'serial';
  const workers = await crew.workersOf(participant, alone ? 1 : work.processes);
  const key = newKey();
  const counter = work.job === 'empty' ? null : `${key}:counter`;
  const startAt = now() + LEAD_MS;
  const parameters = { key, counter, tasks: alone ? 1 : work.tasks, startAt, ms: work.ms };
  const results = await Promise.all(workers.map(async (worker) => worker.call('contend', parameters)));

  const perProcess = results.map(({ jobsPerTask }) => sum(jobsPerTask));
  const jobs = sum(perProcess);
  return {
    rate: (jobs * 1000) / work.ms,
    longestWait: Math.max(...results.map(({ longestWait }) => longestWait)),
    jainOfTasks: jain(results.flatMap(({ jobsPerTask }) => jobsPerTask)),
    jainOfProcesses: jain(perProcess),
    gaveUp: sum(results.map(({ gaveUp }) => gaveUp)),
    ...(counter !== null && { lost: jobs - Number(await redis.get(counter)) }),
  };
}
