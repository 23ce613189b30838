import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clock.js';
import type { RestRecord } from '../history/records.js';
import type { Topology } from '../topologies/topology.js';
import type { Crew } from './crew.js';

const REACHABLE_WITHIN_MS = 30_000;

/** Tombstones stay in the store for so long, in addition to the leases. */
const TOMBSTONES_LAST_MS = 10_000;

/** Ends the contest in order, and reports what is left. */
export async function comeToRest(crew: Crew, topology: Topology, lease: number): Promise<RestRecord> {
  const problems: string[] = [];
  if (!(await within(REACHABLE_WITHIN_MS, async () => topology.isReachable())))
    problems.push('the store did not come back');
  problems.push(...(await crew.stop()));
  await within(2 * lease + TOMBSTONES_LAST_MS, async () => (await topology.leftKeys()).length === 0);
  const leftKeys = await topology.leftKeys();
  problems.push(...(await crew.close()));
  const { inTurn, cohortGrants } = topology;
  return { inTurn, cohortGrants, leftKeys, problems };
}

async function within(ms: number, condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = now() + ms;
  for (;;) {
    if (await condition().catch(() => false)) return true;
    if (now() > deadline) return false;
    await delay(100);
  }
}
