import { SERIAL } from '../contenders/participants.js';
import { contention } from './contention.js';
import { atLeast, partOfBestPeer, timesBestPeer } from './goals.js';
import type { Row } from './row.js';

const PROCESSES = 4;
const TASKS = 8;

export const fourProcesses: Row = {
  id: 'four-processes',
  title: `${String(PROCESSES)} processes × ${String(TASKS)} tasks, one key, the job a GET and a SET`,
  meaning: 'A hot key that several instances of an application want, against the same jobs one after another in one.',
  rounds: { full: 4, quick: 2 },
  takesPart: ({ kind }) => kind !== 'floor',
  measure: async (stage, participant) =>
    contention(stage, participant, {
      processes: PROCESSES,
      tasks: TASKS,
      job: 'read and write',
      ms: stage.plan.choose(3000, 400),
    }),
  figures: [
    {
      id: 'rate',
      title: 'jobs/s against serial',
      unit: '×',
      better: 'more',
      relativeTo: SERIAL,
      goal: atLeast(0.95, '× serial'),
    },
    { id: 'rate', title: 'jobs/s', unit: '/s', better: 'more', detail: true },
    { id: 'longestWait', title: 'longest wait', unit: 'ms', better: 'less', goal: partOfBestPeer(10) },
    { id: 'jainOfTasks', title: 'fairness over tasks (Jain)', unit: '', better: 'more', goal: atLeast(0.99) },
    { id: 'jainOfProcesses', title: 'fairness over processes (Jain)', unit: '', better: 'more', goal: atLeast(0.99) },
  ],
};

/** Where each hand-off between processes is a commit, no lock comes near to the jobs alone. */
export const fourProcessesPostgres: Row = {
  ...fourProcesses,
  figures: fourProcesses.figures.map((figure) =>
    figure.relativeTo === SERIAL ? { ...figure, goal: timesBestPeer(5) } : { ...figure, goal: undefined },
  ),
};
