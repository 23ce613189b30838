import { isOurs } from '../contenders/participants.js';
import { sleep } from '../clock.js';
import type { Participant } from '../contenders/participants.js';
import { atMost } from './goals.js';
import type { Row, Stage } from './row.js';
import type { Sample } from './sample.js';

const WAITERS = 500;

export const idleWaiters: Row = {
  id: 'idle-waiters',
  title: `${String(WAITERS)} waiters in one process, the key held in another`,
  meaning: 'What waiting costs the server, how fast a crowd is served once the key is free, and what a waiter weighs.',
  rounds: { full: 3, quick: 1 },
  takesPart: (participant) => isOurs(participant) || participant.kind === 'peer',
  measure: gatherAndServe,
  figures: [
    {
      id: 'commands',
      title: 'commands to the store while they wait',
      unit: '/s',
      better: 'less',
      goal: atMost(2, '/s'),
    },
    { id: 'serveMs', title: 'time to serve all of them', unit: 'ms', better: 'less', goal: atMost(20, ' ms') },
    { id: 'heapPerWaiter', title: 'heap for each waiter', unit: 'bytes', better: 'less' },
  ],
};

async function gatherAndServe({ crew, countRequests, plan, newKey }: Stage, participant: Participant): Promise<Sample> {
  const [holder, crowd] = await crew.workersOf(participant, 2);
  if (!holder || !crowd) throw new Error('There are two of them');
  const key = newKey();
  await holder.call('hold', { key });
  await crowd.call('gatherCrowd', { key, size: WAITERS });
  // Packages that back off have reached their longest delay by then.
  await sleep(plan.choose(2000, 500));
  const heapPerWaiter = await crowd.call('weighCrowd');
  const commands = await countRequests(plan.choose(2000, 800));

  const releasedAt = await holder.call('release', { key, afterMs: 0 });
  const withinMs = plan.choose(5000, 1500);
  const { served, gaveUp, lastServedAt, drained } = await crowd.call('dissolveCrowd', { withinMs });
  if (!drained) await crowd.end();
  // A waiter that was not served in time counts with the whole time.
  const serveMs = served === WAITERS ? lastServedAt - releasedAt : withinMs;
  return { commands, serveMs, heapPerWaiter, gaveUp, unserved: WAITERS - served };
}
