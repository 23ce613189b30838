import { lockingChannels } from '../diagnostics/channels.js';
import type { LockOrigin } from '../diagnostics/messages.interface.js';
import { isQueueing, type LeaseStore } from '../provider-api/index.js';
import { Acquirer } from './acquire/acquirer.js';
import { Poller } from './acquire/poller.js';
import { Dispatcher } from './dispatch/dispatcher.js';
import { HeldKeyPolls } from './dispatch/held-key-polls.js';
import { LocalHandOff, type HandOffHost } from './dispatch/local-hand-off.js';
import type { SoloContext } from './dispatch/solo-waiter.js';
import { WakeUpRouter } from './dispatch/wake-up-router.js';
import { KeyReleaser } from './hold/key-releaser.js';
import { LeaseExtender } from './hold/lease-extender.js';
import { LeaseTable } from './hold/lease-table.js';
import type { Lease } from './hold/lease.js';
import { Releaser } from './hold/releaser.js';
import { Renewer } from './hold/renewer.js';
import type { LockReports } from './lock/lock-reports.js';
import type { EngineSettings } from './options/engine-settings.js';
import type { Clock } from './runtime/clock.js';
import { LeaseClock } from './runtime/lease-clock.js';
import { inNeutralContext } from './runtime/neutral-context.js';
import { ReleaseRetry } from './store/release-retry.js';
import { StoreCalls } from './store/store-calls.js';
import { QueueTable } from './wait/queue.js';
import { WaitLimits } from './wait/wait-limits.js';

/** The parts of an engine with which it begins: a part knows only those that its constructor names. */
export interface Assembly extends SoloContext {
  readonly calls: StoreCalls;
  readonly retry: ReleaseRetry;
  readonly poller: Poller;
  readonly host: Dispatcher;
  readonly byKey: KeyReleaser;
  readonly advance: (keys: readonly string[]) => void;
}

/** From what an engine is made. */
interface AssemblyPlan {
  readonly store: LeaseStore;
  readonly settings: EngineSettings;
  readonly clock: Clock;
  readonly origin: LockOrigin;
  readonly processId: string;
  readonly reports: LockReports;
}

/** Makes the parts, lowest rank first, and connects the two callbacks that reach up: `advance` and `tryHandOff`. */
export function assemble({ store, settings, clock, origin, processId, reports }: AssemblyPlan): Assembly {
  const { backoff, expire } = settings;
  const queueing = isQueueing(store) ? store : undefined;
  let count = 0;
  const nextId = (): string => `${processId}.${(count++).toString(36)}`;
  const advance = (keys: readonly string[]): void => {
    host.advanceKeys(keys);
  };

  const leaseClock = new LeaseClock(clock);
  const queues = new QueueTable();
  const calls = new StoreCalls(store, clock, origin);
  const retry = new ReleaseRetry(calls, clock, advance);
  const leases = new LeaseTable(
    (lease) => {
      host.noteEnd(lease);
    },
    (grant, reason) => {
      reports.lost(grant, reason);
    },
  );
  const onLost = ({ key, ownerId, attemptId, ttl }: Lease): void => {
    // A store that has lost its last writes may still have this attempt in its queue, and grant it again.
    retry.add({ keys: [key], ownerId, attemptId, processId, pending: false }, ttl);
  };
  const extender = new LeaseExtender(calls, leaseClock, leases, onLost, advance);
  const renewer = new Renewer(extender, clock, leaseClock, leases, expire, advance);
  const releaser = new Releaser(
    calls,
    retry,
    leases,
    renewer,
    clock,
    leaseClock,
    processId,
    (grant) => handOff.tryHandOff(grant),
    advance,
  );

  const onFreeing = (keys: readonly string[]): void => {
    queues.noteReleased(keys);
  };
  const byKey = new KeyReleaser(store, calls, leases, processId, onFreeing, advance);

  const poller = new Poller(clock);
  const subscribe = queueing && (async () => inNeutralContext(async () => queueing.listen(processId, router)));
  const acquirer: Acquirer = new Acquirer(
    calls,
    retry,
    leases,
    poller,
    leaseClock,
    clock,
    backoff,
    processId,
    nextId,
    queues,
    subscribe,
  );

  const limits = new WaitLimits(queues, leases, calls, clock, (waiter, error) => {
    host.end(waiter, error);
  });
  const handOffHost: HandOffHost = {
    finish: (waiter, grant) => {
      host.finish(waiter, grant);
    },
    advance: (queue) => {
      host.advance(queue);
    },
  };
  const handOff: LocalHandOff = new LocalHandOff(
    handOffHost,
    queues,
    leases,
    releaser,
    renewer,
    extender,
    limits,
    clock,
    leaseClock,
    nextId,
    queueing?.cohortGrants,
  );
  const host: Dispatcher = new Dispatcher(
    queues,
    leases,
    acquirer,
    handOff,
    limits,
    releaser,
    new HeldKeyPolls(poller, leases, extender, backoff.maximum),
    queueing ? 0 : backoff.initial,
    (waiter, error) => {
      reports.refused(waiter, error);
    },
  );
  const router = new WakeUpRouter(queues, leases, acquirer, handOff, retry, advance, (status) => {
    lockingChannels.wakeUps.publish({ ...origin, status });
  });
  const solo: SoloContext = {
    host,
    limits,
    queues,
    leases,
    acquirer,
    releaser,
    renewer,
    extender,
    clock,
    leaseClock,
    nextId,
  };
  return { ...solo, host, calls, retry, poller, byKey, advance };
}
