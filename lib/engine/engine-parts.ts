import type { LockingProvider } from '../interfaces/index.js';
import type { Clock } from './runtime/clock.js';
import { LocalHandOff } from './dispatch/local-hand-off.js';
import type { EngineSettings } from './options/engine-settings.js';
import { LeaseClock } from './runtime/lease-clock.js';
import { Renewer } from './hold/renewer.js';
import { Releaser } from './hold/releaser.js';
import { LeaseTable } from './hold/lease-table.js';
import { QueueTable } from './wait/queue-table.js';
import { ReleaseRetry } from './store/release-retry.js';
import { Acquirer } from './acquire/acquirer.js';
import { StoreCalls } from './store/store-calls.js';
import { Dispatcher } from './dispatch/dispatcher.js';

/** What the parts of one engine share. */
export interface EngineParts {
  readonly provider: LockingProvider;
  /** For waits. */
  readonly clock: Clock;
  /** For whatever depends on how long a lease lasts. */
  readonly leaseClock: LeaseClock;
  readonly settings: EngineSettings;
  readonly calls: StoreCalls;
  readonly lines: QueueTable;
  readonly leases: LeaseTable;
  readonly keeper: Renewer;
  readonly retry: ReleaseRetry;
  readonly seeker: Acquirer;
  readonly cohort: LocalHandOff;
  readonly releases: Releaser;
  readonly turns: Dispatcher;

  /** Under which the store knows this process: where it is woken. */
  readonly address: string;

  /** An id that no other process and no other call has. It begins with the address. */
  readonly nextId: () => string;

  /** Something may have changed for those who wait for `keys` here. */
  readonly look: (keys: readonly string[]) => void;
}

/** Puts an engine together. */
export function assembleParts(
  provider: LockingProvider,
  settings: EngineSettings,
  clock: Clock,
  address: string,
): EngineParts {
  const calls = new StoreCalls(provider, clock);
  const leaseClock = new LeaseClock(clock);
  const lines = new QueueTable();
  const leases = new LeaseTable(lines, ({ seek }) => {
    // What of it may still reach the store is not to take the key once more.
    if (seek) parts.seeker.settle(seek);
  });
  let count = 0;
  const look = (keys: readonly string[]): void => {
    for (const key of keys) {
      const line = lines.get(key);
      if (line) parts.turns.look(line);
    }
  };
  const parts = {
    provider,
    clock,
    leaseClock,
    settings,
    calls,
    lines,
    leases,
    keeper: new Renewer(calls, clock, leaseClock, leases, settings.expire, look, ({ key, ownerId, attemptId, ttl }) => {
      // A store that has lost its last writes may still have the place of this attempt in the queue, and grant it again.
      parts.retry.add({ keys: [key], ownerId, attemptId, undo: true, address }, ttl);
    }),
    retry: new ReleaseRetry(calls, clock, look),
    address,
    nextId: () => `${address}.${(count++).toString(36)}`,
    look,
  } as { -readonly [Name in keyof EngineParts]: EngineParts[Name] };
  // Each of these needs the others.
  parts.cohort = new LocalHandOff(parts);
  parts.releases = new Releaser(parts);
  parts.seeker = new Acquirer(parts);
  parts.turns = new Dispatcher(parts);
  return parts;
}
