import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from '../../provider-api/operable-store.js';
import { QUEUE_PATIENCE } from '../lock-view.js';
import type { OpenStore } from '../store/open-store.js';
import { findings } from './doctor.messages.js';

/** As many keys a finding names. */
const NAMED = 5;

const DAY = 86_400_000;

/** As many queues are looked at; each costs a request. */
const MOST_QUEUES = 2000;

/** As many free keys with a queue are looked at once more. */
const MOST_SUSPECTS = 20;

/** A waiter asks at least every second, so a key that is free for so long is stuck, in milliseconds. */
const LONGEST_HAND_OFF = 5000;

/** Counts keys, and keeps the names of the first ones. */
class Sample {
  count = 0;
  readonly keys: string[] = [];

  add(key: string): void {
    this.count += 1;
    if (this.keys.length < NAMED) this.keys.push(key);
  }
}

/** Leases that nothing may end, and keys that other software wrote. */
export async function lookForStaleLeases(store: OpenStore): Promise<Finding[]> {
  const [forever, long, foreign] = [new Sample(), new Sample(), new Sample()];
  let held = 0;
  for await (const { key, ttl, fencingToken } of store.list()) {
    held += 1;
    if (fencingToken === null) foreign.add(key);
    else if (ttl === null) forever.add(key);
    else if (ttl > DAY) long.add(key);
  }
  return [
    findings.locks(held),
    ...(forever.count > 0 ? [findings.forever(forever.count, forever.keys)] : []),
    ...(long.count > 0 ? [findings.longLeases(long.count, long.keys)] : []),
    ...(foreign.count > 0 ? [findings.foreign(foreign.count, foreign.keys)] : []),
  ];
}

/** Queue entries without a process, and processes that wait for a key which is free. */
export async function lookForOrphans(store: OpenStore): Promise<Finding[]> {
  const orphans = new Sample();
  const suspects: string[] = [];
  let [entries, looked] = [0, 0];
  for await (const key of store.listQueued()) {
    if (looked === MOST_QUEUES) break;
    looked += 1;
    const { alive, dead } = await readQueue(store, key);
    entries += alive;
    if (dead > 0) orphans.add(key);
    if (alive > 0 && suspects.length < MOST_SUSPECTS && !(await store.inspect(key))) suspects.push(key);
  }
  const found = orphans.count > 0 ? [findings.orphans(orphans.count, orphans.keys)] : [findings.noOrphans(entries)];
  if (looked === MOST_QUEUES) found.push(findings.queuesCut(MOST_QUEUES));
  return [...found, ...(await lookAgain(store, suspects))];
}

async function readQueue(store: OpenStore, key: string): Promise<{ alive: number; dead: number }> {
  const queue = await store.call('inspect', [key], async (asked) => asked.readQueue(key));
  const alive = queue.filter(({ silentFor }) => silentFor !== undefined && silentFor <= QUEUE_PATIENCE).length;
  return { alive, dead: queue.length - alive };
}

/** A key is free for a moment while it is handed on. */
async function lookAgain(store: OpenStore, suspects: readonly string[]): Promise<Finding[]> {
  const since = performance.now();
  let left = suspects;
  while (left.length > 0 && performance.now() - since < LONGEST_HAND_OFF) {
    await delay(500);
    const still: string[] = [];
    for (const key of left) if (!(await store.inspect(key)) && (await readQueue(store, key)).alive > 0) still.push(key);
    left = still;
  }
  return left.map((key) => findings.stuck(key, performance.now() - since));
}
