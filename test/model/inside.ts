import type { LeaseTable } from '../../lib/engine/hold/lease-table.js';
import type { Grant, Lease } from '../../lib/engine/hold/lease.js';
import type { QueueTable } from '../../lib/engine/wait/queue.js';
import type { LockEngine } from '../../lib/engine/lock-engine.js';
import type { HeldLock } from '../../lib/engine/lock/held-lock.js';

interface Sized {
  readonly size: number;
}

/** The parts of an engine that the model reads, as they are not public. */
interface Inside {
  readonly parts: Parts;
  readonly shutdown: { readonly running: number };
}

interface Parts {
  readonly leases: LeaseTable;
  readonly queues: QueueTable;
  readonly renewer: { readonly watches: Sized };
  readonly retry: Sized;
  readonly calls: { readonly pending: Sized };
  readonly poller: { readonly polled: Sized };
  readonly host: { readonly limits: { readonly deadlines: Sized }; readonly heldKeys: { readonly polls: Sized } };
}

function insideOf(engine: LockEngine): Inside {
  return engine as unknown as Inside;
}

function partsOf(engine: LockEngine): Parts {
  return insideOf(engine).parts;
}

/** The shared lease of `handle`, if it has one. */
export function sharedLease({ grants, keys }: HeldLock): Lease | undefined {
  const lease = keys.length === 1 ? grants[0].leases[0] : undefined;
  return lease?.shared ? lease : undefined;
}

/** The lease that `engine` has for `key`. */
export function leaseIn(engine: LockEngine, key: string): Lease | undefined {
  return partsOf(engine).leases.get(key);
}

/** The leases that waiters in `engine` have collected so far: all waiters, or those for `keys`. */
export function collectedIn(engine: LockEngine, keys?: readonly string[]): readonly Lease[] {
  const waiters = [...partsOf(engine).queues.waiters()];
  return waiters
    .filter((waiter) => keys === undefined || waiter.keys.join() === keys.join())
    .flatMap((waiter) => (waiter as { collected?: Grant }).collected?.leases ?? []);
}

/** The leases that `handle` must release, still trusted or not. */
export function leasesOf({ grants }: HeldLock): readonly Lease[] {
  return grants.flatMap(({ leases, leftovers }) => [...leases, ...(leftovers ?? [])]);
}

/** The sizes of all collections in an engine that must be empty once it has no holder and no waiter. */
export function sizesOf(engine: LockEngine): Record<string, number> {
  const { leases, queues, renewer, retry, calls, poller, host } = partsOf(engine);
  return {
    leases: leases.all().length,
    queues: (queues as unknown as { queues: Sized }).queues.size,
    watched: renewer.watches.size,
    retries: retry.size,
    calls: calls.pending.size,
    polled: poller.polled.size,
    'polled keys held here': host.heldKeys.polls.size,
    deadlines: host.limits.deadlines.size,
    jobs: insideOf(engine).shutdown.running,
  };
}
