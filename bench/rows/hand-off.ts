import { isOurs } from '../contenders/participants.js';
import { now } from '../clock.js';
import type { Participant } from '../contenders/participants.js';
import { median } from '../statistics.js';
import { atMost } from './goals.js';
import type { Row, Stage } from './row.js';
import type { Sample } from './sample.js';

const AT_LEAST = 2;
const SHORTEST_IDLE_MS = 20;
const LONGEST_IDLE_MS = 120;

export const handOff: Row = {
  id: 'hand-off',
  title: 'hand-off to a waiter in another process',
  meaning:
    'From the call of release in one process to the start of the job that waits in another, next to a PING after the same idle time.',
  rounds: { full: 3, quick: 1 },
  takesPart: (participant) => isOurs(participant) || participant.kind === 'peer',
  measure: handOffs,
  figures: [
    { id: 'roundTrips', title: 'median', unit: 'round trips', better: 'less', goal: atMost(2, ' round trips') },
    { id: 'ms', title: 'median', unit: 'ms', better: 'less', detail: true },
  ],
};

async function handOffs({ crew, plan, newKey }: Stage, participant: Participant): Promise<Sample> {
  const [holder, waiter] = await crew.workersOf(participant, 2);
  if (!holder || !waiter) throw new Error('There are two of them');
  const times: number[] = [];
  const pings: number[] = [];
  const end = now() + plan.choose(4000, 1000);
  while (times.length < AT_LEAST || now() < end) {
    const key = newKey();
    // A random time: after a fixed one, a package that polls would always ask at the same moment.
    const afterMs = SHORTEST_IDLE_MS + Math.random() * (LONGEST_IDLE_MS - SHORTEST_IDLE_MS);
    await holder.call('hold', { key });
    await waiter.call('beginWait', { key });
    const releasedAt = await holder.call('release', { key, afterMs });
    times.push((await waiter.call('endWait', { key })) - releasedAt);
    pings.push(await waiter.call('ping', { afterMs }));
  }
  return { ms: median(times), roundTrips: median(times) / median(pings) };
}
