import { resolveCallOptions } from '../../lib/engine/options/call-options.js';
import { readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import { LockEngine } from '../../lib/engine/lock-engine.js';
import type { HeldLock } from '../../lib/engine/lock/held-lock.js';
import {
  InMemoryLockingProvider,
  MemoryLockStore,
  type AcquireOptions,
  type ExecuteOptions,
  type LockingProviderOptions,
} from '../../lib/index.js';
import { ManualClock } from '../../lib/testing/index.js';
import { StoreWire } from './store-wire.js';

/** An in-memory queueing store with several processes on it, on a `ManualClock`. */
export class SharedStore {
  readonly clock = new ManualClock();
  readonly store = new MemoryLockStore(this.clock.elsewhere);
  readonly observer = new InMemoryLockingProvider({ store: this.store });

  /** A process with a connection of its own. */
  process(options: LockingProviderOptions = {}, cohortGrants?: number): StoreProcess {
    const wire = new StoreWire(this.store);
    wire.cohortGrants = cohortGrants;
    return new StoreProcess(wire, options, this.clock);
  }

  /** A process that is already subscribed, as it has had a waiter before. */
  async listeningProcess(options: LockingProviderOptions = {}): Promise<StoreProcess> {
    const process = this.process(options);
    await Promise.all([process.execute('warm', () => undefined), process.execute('warm', () => undefined)]);
    process.wire.forget();
    return process;
  }

  /** Runs everything that is ready. */
  async settle(): Promise<void> {
    await this.clock.advance(0);
  }

  /** The process ids in the queue of a key, in order. */
  queue(key: string): string[] {
    return this.store.queues.processesIn(key);
  }

  /** Moves the clock by `milliseconds`, in steps of one. */
  async tick(milliseconds: number): Promise<void> {
    for (let step = 0; step < milliseconds; step += 1) await this.clock.advance('1ms');
  }
}

/** An engine that takes options as users write them, and its wire. */
export class StoreProcess {
  readonly engine: LockEngine;

  constructor(
    readonly wire: StoreWire,
    options: LockingProviderOptions,
    clock: ManualClock,
  ) {
    this.engine = new LockEngine(wire.provider, readEngineSettings(options), clock);
  }

  acquire(keys: string | string[], options: AcquireOptions = {}): Promise<HeldLock> {
    return this.engine.acquire(list(keys), resolveCallOptions(options, 'handle', this.engine.settings));
  }

  tryAcquire(keys: string | string[], options: AcquireOptions = {}): Promise<HeldLock | null> {
    return this.engine.tryAcquire(list(keys), resolveCallOptions(options, 'handle', this.engine.settings));
  }

  execute<T>(keys: string | string[], job: (lock: HeldLock) => T | Promise<T>, options: ExecuteOptions = {}) {
    const resolved = resolveCallOptions(options, 'job', this.engine.settings);
    return this.engine.execute(list(keys), (lock) => job(lock as HeldLock), resolved);
  }
}

function list(keys: string | string[]): string[] {
  return typeof keys === 'string' ? [keys] : [...keys].sort();
}

/** The lock that a wait resolved with. */
export function lockOf(wait: { readonly outcome: PromiseSettledResult<HeldLock | null> | undefined }): HeldLock {
  if (wait.outcome?.status !== 'fulfilled' || !wait.outcome.value) throw new Error('it has no lock');
  return wait.outcome.value;
}

export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
