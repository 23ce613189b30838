import type { LockingProvider } from '../interfaces/index.js';
import type { Clock } from './clock.js';
import type { EngineSettings } from './engine-settings.js';
import type { HoldTable } from './hold-table.js';
import type { LeaseKeeper } from './lease-keeper.js';
import type { ReleaseRetry } from './release-retry.js';
import type { StoreCalls } from './store-calls.js';
import type { WaitQueue } from './wait-queue.js';

/** What the parts of one engine share. */
export interface EngineParts {
  readonly provider: LockingProvider;
  readonly clock: Clock;
  readonly settings: EngineSettings;
  readonly calls: StoreCalls;
  readonly holds: HoldTable;
  readonly queue: WaitQueue;
  readonly keeper: LeaseKeeper;
  readonly retry: ReleaseRetry;

  /** An id that no other process and no other call has. */
  nextId(): string;
}
