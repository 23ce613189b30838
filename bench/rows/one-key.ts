import { SERIAL, isOurs } from '../contenders/participants.js';
import { contention } from './contention.js';
import { atLeast, partOfBestPeer, timesBestPeer } from './goals.js';
import type { Row } from './row.js';

const TASKS = 50;

export const oneKey: Row = {
  id: 'one-key',
  title: `${String(TASKS)} tasks in one process, one key, the job a GET and a SET`,
  meaning: 'A hot key in one process, against the same jobs one after another without a lock, which no lock can beat.',
  rounds: { full: 4, quick: 2 },
  takesPart: ({ kind }) => kind !== 'floor',
  measure: async (stage, participant) =>
    contention(stage, participant, {
      processes: 1,
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
    { id: 'longestWait', title: 'longest wait', unit: 'ms', better: 'less', goal: partOfBestPeer(50) },
    { id: 'jainOfTasks', title: 'fairness over tasks (Jain)', unit: '', better: 'more', goal: atLeast(0.99) },
  ],
};

export const emptyJob: Row = {
  id: 'empty-job',
  title: `${String(TASKS)} tasks in one process, one key, an empty job`,
  meaning: 'How fast a lock goes from task to task inside a process.',
  rounds: { full: 5, quick: 2 },
  takesPart: (participant) => isOurs(participant) || participant.kind === 'peer',
  measure: async (stage, participant) =>
    contention(stage, participant, { processes: 1, tasks: TASKS, job: 'empty', ms: stage.plan.choose(1000, 200) }),
  figures: [{ id: 'rate', title: 'grants/s', unit: '/s', better: 'more', goal: timesBestPeer(20) }],
};
