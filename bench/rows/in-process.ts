import { isOurs, OURS, SERIAL } from '../contenders/participants.js';
import type { Row } from './row.js';

export const inMemory: Row = inProcess({
  id: 'in-memory',
  title: 'in memory: execute with an empty job, distinct keys',
  meaning: 'The provider without a store, against the job alone.',
  locked: 'execute',
  bare: 'job',
});

export const decorated: Row = inProcess({
  id: 'with-lock',
  title: 'in memory: a method with @WithLock',
  meaning: 'The same with the decorator in front of it, which makes the key, against the bare method.',
  locked: 'decorated',
  bare: 'bare',
});

function inProcess({
  locked,
  bare,
  ...texts
}: Pick<Row, 'id' | 'title' | 'meaning'> & { locked: 'execute' | 'decorated'; bare: 'job' | 'bare' }): Row {
  return {
    ...texts,
    rounds: { full: 25, quick: 9 },
    takesPart: (participant) => isOurs(participant) || participant.kind === 'serial',
    async measure({ crew, plan }, participant) {
      // One process measures both, as both are parts of one application.
      const isLocked = isOurs(participant);
      const worker = await crew.workerOf(isLocked ? participant : OURS);
      return { ns: await worker.call('callInProcess', { call: isLocked ? locked : bare, ms: plan.choose(100, 40) }) };
    },
    figures: [
      { id: 'ns', title: 'a call', unit: 'ns', better: 'less' },
      { id: 'ns', title: 'against without a lock', unit: '×', better: 'less', relativeTo: SERIAL },
    ],
  };
}
