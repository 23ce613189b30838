import { LockEngine } from '../../lib/engine/lock-engine.js';
import { readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import { resolveCallOptions, type HoldMode } from '../../lib/engine/options/call-options.js';
import type { HeldLock } from '../../lib/engine/lock/held-lock.js';
import {
  InMemoryLockingProvider,
  MemoryLockStore,
  type AcquireOptions,
  type CancelRequest,
  type ExtendRequest,
  type LeaseRequest,
  type ReleaseRequest,
  type LeaseStore,
  type LockingProviderOptions,
} from '../../lib/index.js';
import { ManualClock } from '../../lib/testing/index.js';
import { deferred } from './deferred.js';

type Primitive = 'acquire' | 'extend' | 'release';

/**
 * How a call into the store fails. `refuse`: it does not arrive. `lose`: it is carried out, but the answer is lost.
 * `hold`: it is carried out, and answered after `letGo`. `delay`: it arrives after `letGo`. `break`: it fails after
 * `letGo`, without having arrived.
 */
type Fault = 'refuse' | 'lose' | 'hold' | 'delay' | 'break';

/** An in-memory store on a `ManualClock`; calls to it can fail. */
export class FaultyStore {
  readonly clock = new ManualClock();
  readonly store = new MemoryLockStore(this.clock);
  readonly calls: Record<Primitive, number> = { acquire: 0, extend: 0, release: 0 };

  private readonly inner = new InMemoryLockingProvider({ store: this.store });
  private readonly faults = new Map<
    Primitive,
    { readonly fault: Fault; readonly hits: (keys: readonly string[]) => boolean }
  >();
  private gate = deferred();

  /** From now on calls of this kind fail, if their keys are hit. */
  fail(primitive: Primitive, fault: Fault, hits: (keys: readonly string[]) => boolean = () => true): void {
    this.faults.set(primitive, { fault, hits });
  }

  /** From now on no call fails. */
  mend(): void {
    this.faults.clear();
  }

  /** Delayed calls and answers go on. */
  letGo(): void {
    this.gate.resolve();
    this.gate = deferred();
  }

  /** An engine on this store, as in a process of its own. */
  engine(options: LockingProviderOptions = {}): TestEngine {
    return new TestEngine(this.provider(), options, this.clock);
  }

  private provider(): LeaseStore {
    const through = <Request extends { readonly keys: readonly string[] }, Answer>(
      primitive: Primitive,
      send: (request: Request) => Promise<Answer>,
    ) => {
      return async (request: Request): Promise<Answer> => {
        this.calls[primitive] += 1;
        const entry = this.faults.get(primitive);
        const fault = entry?.hits(request.keys) ? entry.fault : undefined;
        if (fault === 'refuse') throw new Error('connection refused');
        if (fault === 'delay' || fault === 'break') await this.gate.promise;
        if (fault === 'break') throw new Error('connection lost');
        const answer = await send(request);
        if (fault === 'lose') throw new Error('connection lost');
        if (fault === 'hold') await this.gate.promise;
        return answer;
      };
    };
    return {
      connect: async () => undefined,
      acquire: through('acquire', (request: LeaseRequest) => this.inner.acquire(request)),
      extend: through('extend', (request: ExtendRequest) => this.inner.extend(request)),
      release: through('release', (request: ReleaseRequest) => this.inner.release(request)),
      cancel: through('release', (request: CancelRequest) => this.inner.cancel(request)),
      revoke: (keys) => this.inner.revoke(keys),
      inspect: (keys) => this.inner.inspect(keys),
      list: (match) => this.inner.list(match),
      close: () => this.inner.close(),
    };
  }
}

/** An engine that takes options as users write them. */
export class TestEngine {
  readonly engine: LockEngine;

  constructor(provider: LeaseStore, options: LockingProviderOptions, clock: ManualClock) {
    this.engine = new LockEngine(provider, readEngineSettings(options), clock);
  }

  async acquire(key: string, options: AcquireOptions = {}): Promise<HeldLock> {
    return this.engine.acquire([key], this.resolve(options, 'handle'));
  }

  async tryAcquire(key: string, options: AcquireOptions = {}): Promise<HeldLock | null> {
    return this.engine.tryAcquire([key], this.resolve(options, 'handle'));
  }

  async execute<T>(key: string, job: (lock: HeldLock) => T | Promise<T>, options: AcquireOptions = {}): Promise<T> {
    return this.engine.execute([key], (lock) => job(lock as HeldLock), this.resolve(options, 'job'));
  }

  private resolve(options: AcquireOptions, mode: HoldMode) {
    return resolveCallOptions(options, mode, this.engine.settings);
  }
}

/** Keeps the outcome of a promise, so that a test may look before it is settled. */
export function track<T>(promise: Promise<T>): { readonly outcome: PromiseSettledResult<T> | undefined } {
  const tracked: { outcome: PromiseSettledResult<T> | undefined } = { outcome: undefined };
  promise.then(
    (value) => (tracked.outcome = { status: 'fulfilled', value }),
    (reason: unknown) => (tracked.outcome = { status: 'rejected', reason }),
  );
  return tracked;
}
