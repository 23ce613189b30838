import { settled } from './process-clock.js';
import type { Process, World } from './world.js';

/** How long the undoing of what was given up may take, once the store answers again. */
const UNDOING = 3000;

/** How long a free key may stay free while somebody waits for it. */
const LONGEST_PAUSE = 1100;

/** Mends everything, gives everything back, and checks that nobody is forgotten and nothing is left behind. */
export async function windUp(world: World): Promise<void> {
  for (const { clock, wire } of world.processes) {
    wire.mend();
    await clock.thaw('timers');
    for (; wire.parkedCalls > 0; await settled()) wire.letGo(0);
  }
  await world.clock.advance(`${UNDOING}ms`);
  world.ledger.checkExclusion();
  expectAccountedFor(world, 'after the faults');

  world.windingUp = true;
  for (const lock of world.ledger.returnable) world.release(lock);
  await serveEveryone(world);

  await world.clock.advance(`${UNDOING}ms`);
  expectAccountedFor(world, 'after the end');
  await world.clock.advance('60s');
  expectNothingLeft(world);
}

/** Whoever still waits is served, and soon. */
async function serveEveryone(world: World): Promise<void> {
  const freeSince = new Map<string, number>();
  const tokens = new Map<string, number>();
  const { ledger, clock, store } = world;
  for (let step = 0; step < 2000 && world.open.size > 0; step++) {
    await clock.advance('50ms');
    ledger.checkExclusion();
    for (const key of ['a', 'b', 'c']) {
      // Somebody may have had it between two looks.
      if (store.get(key) || ledger.lastToken(key) !== tokens.get(key)) freeSince.delete(key);
      else if (!freeSince.has(key)) freeSince.set(key, clock.now());
      tokens.set(key, ledger.lastToken(key));
    }
    for (const { keys, process } of ledger.firstInLine) {
      const since = Math.max(...keys.map((key) => freeSince.get(key) ?? Infinity));
      if (clock.now() - since <= LONGEST_PAUSE) continue;
      ledger.fault(`WAKE: [${keys.join()}] free since ${since}, and P${process} still waits at ${clock.now()}`);
      return;
    }
  }
  if (world.open.size > 0) ledger.fault(`SETTLED: ${world.open.size} promises are still open`);
}

function expectAccountedFor({ store, ledger }: World, when: string): void {
  for (const key of store.keys()) {
    const lease = store.get(key);
    if (!lease || ledger.isAccountedFor(key, lease.ownerId)) continue;
    if (ledger.isOfClosed(key)) {
      // A shutdown without the store leaves it to the lease, or to an operator.
      store.delete(key);
      continue;
    }
    ledger.fault(`ORPHAN: ${when} ${key} is held in the store by ${lease.ownerId}, and by nobody here`);
  }
}

interface Sized {
  readonly size: number;
}

interface Inside {
  readonly parts: {
    readonly lines: { readonly lines: Sized };
    readonly keeper: { readonly timers: Sized };
    readonly retry: { readonly pending: Sized; readonly underway: Sized };
    readonly calls: { readonly pending: Sized };
    readonly seeker: { readonly rounds: { readonly seeks: Sized; readonly lines: Sized } };
    readonly turns: { readonly deadlines: { readonly buckets: Sized } };
  };
  readonly running: number;
}

function expectNothingLeft({ processes, clock, store, ledger }: World): void {
  const left: Record<string, number> = { 'keys in the store': store.keys().length, timers: clock.pendingTimers };
  processes.forEach((process, number) => {
    for (const [name, { size }] of Object.entries(insideOf(process))) left[`${name} of P${number}`] = size;
  });
  const found = Object.entries(left).filter(([, count]) => count > 0);
  if (found.length > 0) ledger.fault(`LEFT: ${found.map(([name, count]) => `${count} ${name}`).join(', ')}`);
}

function insideOf({ engine }: Process): Record<string, Sized> {
  const { parts, running } = engine as unknown as Inside;
  return {
    lines: parts.lines.lines,
    watched: parts.keeper.timers,
    retries: parts.retry.pending,
    'retries underway': parts.retry.underway,
    calls: parts.calls.pending,
    seeks: parts.seeker.rounds.seeks,
    'attended lines': parts.seeker.rounds.lines,
    deadlines: parts.turns.deadlines.buckets,
    jobs: { size: running },
  };
}
