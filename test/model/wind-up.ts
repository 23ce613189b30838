import { getEventListeners } from 'node:events';
import type { QueueEntry } from '../../lib/providers/memory/memory-queues.js';
import type { MemoryLockStore } from '../../lib/providers/memory/memory-lock-store.js';
import { collectedIn, sizesOf } from './inside.js';
import type { Caller } from './ledger.js';
import { LONGEST_PAUSE } from './pauses.js';
import { settled } from './process-clock.js';
import type { World } from './world.js';

/** How long cancels, and the end of a process, may take once the store answers again. */
const CANCELLING = 3100;

const KEYS = ['a', 'b', 'c'];

/** Ends all faults, releases all locks, and checks that every waiter is served and nothing is left over. */
export async function windUp(world: World): Promise<void> {
  for (const [number, { clock, faults, channel }] of world.processes.entries()) {
    faults.clear();
    channel.restore();
    await clock.thaw(number === 0 ? 'timers' : 'answers');
    for (; faults.heldUp > 0; await settled()) faults.letGo(0);
  }
  await world.clock.advance(`${CANCELLING}ms`);
  world.judge.look();
  expectAccountedFor(world, 'after the faults');

  world.windingUp = true;
  for (const lock of world.ledger.returnable) world.release(lock);
  await serveEveryone(world);

  await world.clock.advance(`${CANCELLING}ms`);
  expectAccountedFor(world, 'after the end');
  await world.clock.advance('60s');
  expectNothingLeft(world);

  for (const process of world.processes) void process.close();
  await world.clock.advance('1h');
  expectNothingLeft(world);
  expectNobodyListens(world);
}

/** Checks that every waiter is served soon. */
async function serveEveryone(world: World): Promise<void> {
  const idleSince = new Map<string, number>();
  const tokens = new Map<string, number>();
  const { ledger, clock } = world;
  for (let step = 0; step < 2000 && world.open.size > 0; step++) {
    await clock.advance('50ms');
    world.judge.look();
    for (const key of KEYS) {
      // A caller may have had the key between two checks.
      if (!isIdle(world, key) || ledger.lastToken(key) !== tokens.get(key)) idleSince.delete(key);
      else if (!idleSince.has(key)) idleSince.set(key, clock.now());
      tokens.set(key, ledger.lastToken(key));
    }
    for (const caller of ledger.firstWaiters) {
      const wanted = caller.keys.filter((key) => !isCollectedBy(world, caller, key));
      // Callers of the same keys may have collected all of them.
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

/** Whether `key` is free, or held only in the view of the store. */
function isIdle(world: World, key: string): boolean {
  const lease = world.store.get(key);
  return !lease || !isAccountedFor(world, key, lease.ownerId);
}

/** Whether the caller waits for several keys and has already collected `key`. */
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
    // A process that shuts down without the store leaves the key to its lease, or to an operator.
    if (ledger.isLeftBehind(key)) store.delete(key);
    else if (!isAccountedFor(world, key, lease.ownerId)) {
      ledger.fault(`ORPHAN: ${when} ${key} is held in the store by ${lease.ownerId}, and by no caller`);
    }
  }
}

function expectNothingLeft({ processes, clock, store, judge, ledger }: World): void {
  const left: Record<string, number> = {
    'keys in the store': store.keys().length,
    'queue entries': entriesIn(store).filter((entry) => !judge.mayBeForgotten(entry)).length,
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
  // The store keeps a tombstone for an hour, and removes it when it writes the next one.
  store.refuse('the last');
  const { tombstones } = store as unknown as { readonly tombstones: ReadonlyMap<string, unknown> };
  if (tombstones.size > 1) ledger.fault(`LEFT: ${tombstones.size - 1} tombstones that are over`);
}
