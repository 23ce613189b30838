import { getEventListeners } from 'node:events';
import type { QueueEntry } from '../../lib/providers/memory/memory-queues.js';
import type { MemoryLockStore } from '../../lib/providers/memory/memory-lock-store.js';
import { collectedIn, sizesOf } from './inside.js';
import type { Caller } from './ledger.js';
import { LONGEST_PAUSE } from './pauses.js';
import { settled } from './process-clock.js';
import type { World } from './world.js';

/** How long the undoing of what was given up may take, once the store answers again, and the end of a process. */
const UNDOING = 3100;

const KEYS = ['a', 'b', 'c'];

/** Mends everything, gives everything back, and checks that nobody is forgotten and nothing is left behind. */
export async function windUp(world: World): Promise<void> {
  for (const [number, { clock, faults, channel }] of world.processes.entries()) {
    faults.clear();
    channel.restore();
    await clock.thaw(number === 0 ? 'timers' : 'answers');
    for (; faults.heldUp > 0; await settled()) faults.letGo(0);
  }
  await world.clock.advance(`${UNDOING}ms`);
  world.judge.look();
  expectAccountedFor(world, 'after the faults');

  world.windingUp = true;
  for (const lock of world.ledger.returnable) world.release(lock);
  await serveEveryone(world);

  await world.clock.advance(`${UNDOING}ms`);
  expectAccountedFor(world, 'after the end');
  await world.clock.advance('60s');
  expectNothingLeft(world);

  for (const process of world.processes) void process.close();
  await world.clock.advance('1h');
  expectNothingLeft(world);
  expectNobodyListens(world);
}

/** Whoever still waits is served, and soon. */
async function serveEveryone(world: World): Promise<void> {
  const idleSince = new Map<string, number>();
  const tokens = new Map<string, number>();
  const { ledger, clock } = world;
  for (let step = 0; step < 2000 && world.open.size > 0; step++) {
    await clock.advance('50ms');
    world.judge.look();
    for (const key of KEYS) {
      // Somebody may have had it between two looks.
      if (!isIdle(world, key) || ledger.lastToken(key) !== tokens.get(key)) idleSince.delete(key);
      else if (!idleSince.has(key)) idleSince.set(key, clock.now());
      tokens.set(key, ledger.lastToken(key));
    }
    for (const caller of ledger.firstInLine) {
      const wanted = caller.keys.filter((key) => !isCollectedBy(world, caller, key));
      // All of it may have been given to callers of several keys that wait for others.
      if (wanted.length === 0) continue;
      const since = Math.max(...wanted.map((key) => idleSince.get(key) ?? Infinity));
      if (clock.now() - since <= LONGEST_PAUSE) continue;
      ledger.fault(
        `WAKE: [${caller.keys.join()}] free since ${since}, and P${caller.process} still waits at ${clock.now()}`,
      );
      return;
    }
  }
  if (world.open.size > 0) ledger.fault(`SETTLED: ${world.open.size} promises are still open`);
}

/** Whether nobody has `key`, or the store alone believes that somebody has. */
function isIdle(world: World, key: string): boolean {
  const lease = world.store.get(key);
  return !lease || !isAccountedFor(world, key, lease.ownerId);
}

/** Whether `caller`, who waits for several keys, has been given `key` already. What another caller has of them is taken. */
function isCollectedBy({ processes }: World, { process, keys }: Caller, key: string): boolean {
  return keys.length > 1 && collectedIn(processes[process]!.engine, keys).some((lease) => lease.key === key);
}

function isAccountedFor({ processes, ledger }: World, key: string, ownerId: string): boolean {
  if (ledger.isAccountedFor(key, ownerId) || ledger.isLeftBehind(key)) return true;
  return processes.some(({ engine }) =>
    collectedIn(engine).some((lease) => lease.key === key && lease.ownerId === ownerId),
  );
}

function expectAccountedFor(world: World, when: string): void {
  const { store, ledger } = world;
  for (const key of store.keys()) {
    const lease = store.get(key);
    if (!lease) continue;
    // A shutdown without the store leaves it to the lease, or to an operator.
    if (ledger.isLeftBehind(key)) store.delete(key);
    else if (!isAccountedFor(world, key, lease.ownerId)) {
      ledger.fault(`ORPHAN: ${when} ${key} is held in the store by ${lease.ownerId}, and by nobody here`);
    }
  }
}

function expectNothingLeft({ processes, clock, store, judge, ledger }: World): void {
  const left: Record<string, number> = {
    'keys in the store': store.keys().length,
    'places in line': entriesIn(store).filter((place) => !judge.mayBeForgotten(place)).length,
    timers: clock.pendingTimers,
    'listeners on signals': ledger.callers.flatMap(({ abort }) => getEventListeners(abort.signal, 'abort')).length,
  };
  processes.forEach(({ engine }, number) => {
    for (const [name, size] of Object.entries(sizesOf(engine))) left[`${name} of P${number}`] = size;
  });
  const found = Object.entries(left).filter(([, count]) => count > 0);
  if (found.length > 0) ledger.fault(`LEFT: ${found.map(([name, count]) => `${count} ${name}`).join(', ')}`);
}

function entriesIn({ queues }: MemoryLockStore): QueueEntry[] {
  return [...(queues as unknown as { readonly queues: ReadonlyMap<string, QueueEntry[]> }).queues.values()].flat();
}

function expectNobodyListens({ store, ledger }: World): void {
  const { listeners } = store.queues as unknown as { readonly listeners: ReadonlyMap<string, unknown> };
  if (listeners.size > 0) ledger.fault(`LEFT: ${listeners.size} listeners`);
  // What was given up is remembered for an hour, and forgotten when the next one is.
  store.refuse('the last');
  const { tombstones } = store as unknown as { readonly tombstones: ReadonlyMap<string, unknown> };
  if (tombstones.size > 1) ledger.fault(`LEFT: ${tombstones.size - 1} attempts that were given up long ago`);
}
