import type { EngineParts } from '../../lib/engine/engine-parts.js';
import type { Grant } from '../../lib/engine/hold/grant.js';
import type { Lease } from '../../lib/engine/hold/lease.js';
import type { LockEngine } from '../../lib/engine/lock-engine.js';
import type { HeldLock } from '../../lib/engine/hold/held-lock.js';

interface Sized {
  readonly size: number;
}

/** What the model has to look at inside an engine, as nobody outside is told of it. */
interface Inside {
  readonly parts: EngineParts;
  readonly running: number;
}

interface Tables {
  readonly lines: { readonly lines: Sized };
  readonly keeper: { readonly timers: Sized };
  readonly retry: { readonly pending: Sized; readonly awaited: number };
  readonly calls: { readonly pending: Sized };
  readonly seeker: { readonly rounds: { readonly seeks: Sized; readonly lines: Sized; readonly asked: Sized } };
  readonly turns: { readonly deadlines: { readonly buckets: Sized } };
}

function insideOf(engine: LockEngine): Inside {
  return engine as unknown as Inside;
}

/** The lease that is handed from holder to holder, if `handle` has its key by one. */
export function sharedLease({ grants, keys }: HeldLock): Lease | undefined {
  const lease = keys.length === 1 ? grants[0]?.leases[0] : undefined;
  return lease?.shared ? lease : undefined;
}

/** What `engine` has of `key`. */
export function leaseIn(engine: LockEngine, key: string): Lease | undefined {
  return insideOf(engine).parts.lines.lease(key);
}

/** What callers that still wait in `engine` have been given of their keys. */
export function collectedIn(engine: LockEngine): readonly Lease[] {
  const waiters = [...insideOf(engine).parts.lines.waiters()];
  return waiters.flatMap(
    ({ errand }) => (errand as unknown as { collected?: Grant } | undefined)?.collected?.leases ?? [],
  );
}

/** What `handle` is to give back, trusted or not. */
export function leasesOf({ grants }: HeldLock): readonly Lease[] {
  return grants.flatMap(({ leases, leftovers }) => [...leases, ...leftovers]);
}

/** How much of everything an engine has that should be gone once nobody has anything to do with it. */
export function sizesOf(engine: LockEngine): Record<string, number> {
  const { parts, running } = insideOf(engine);
  const tables = parts as unknown as Tables;
  return {
    lines: tables.lines.lines.size,
    watched: tables.keeper.timers.size,
    retries: tables.retry.pending.size,
    'retries underway': tables.retry.awaited,
    calls: tables.calls.pending.size,
    seeks: tables.seeker.rounds.seeks.size,
    'attended lines': tables.seeker.rounds.lines.size,
    'lines asked after': tables.seeker.rounds.asked.size,
    deadlines: tables.turns.deadlines.buckets.size,
    jobs: running,
  };
}
