import { isOurs } from '../contenders/participants.js';
import { median } from '../statistics.js';
import { atMost } from './goals.js';
import type { Row } from './row.js';

const LEASES = 5_000;
const PASSES = 3;

export const extendAll: Row = {
  id: 'extend-all',
  title: `${LEASES.toLocaleString('en')} held locks, all extended at once`,
  meaning:
    'By the public call where there is one, else by what the own timer of the package calls; and what a held lock weighs.',
  rounds: { full: 4, quick: 1 },
  takesPart: (participant) => isOurs(participant) || participant.kind === 'peer',
  async measure({ crew, newKey }, participant) {
    const worker = await crew.workerOf(participant);
    const { heapPerLock } = await worker.call('holdMany', { prefix: newKey(), count: LEASES });
    const times: number[] = [];
    for (let i = 0; i < PASSES; i++) {
      const ms = await worker.call('extendAll');
      if (ms !== null) times.push(ms);
    }
    await worker.call('releaseMany');
    return { heapPerLock, ...(times.length > 0 && { ms: median(times) }) };
  },
  figures: [
    { id: 'ms', title: 'until all are extended', unit: 'ms', better: 'less', goal: atMost(10, ' ms') },
    { id: 'heapPerLock', title: 'heap for each held lock', unit: 'bytes', better: 'less' },
  ],
};

export const ownRenewal: Row = {
  id: 'own-renewal',
  title: `${LEASES.toLocaleString('en')} held locks, renewed by the library itself`,
  meaning: 'How long renewals are under way when the leases of all of them are due.',
  rounds: { full: 3, quick: 1 },
  takesPart: isOurs,
  async measure({ crew, newKey }, participant) {
    const worker = await crew.workerOf(participant);
    const { busyMs, commands } = await worker.call('ownRenewal', { prefix: newKey(), count: LEASES });
    return { busyMs, commands };
  },
  figures: [
    { id: 'busyMs', title: 'renewals under way', unit: 'ms', better: 'less', goal: atMost(10, ' ms') },
    { id: 'commands', title: 'commands sent', unit: '', better: 'less', detail: true },
  ],
};
