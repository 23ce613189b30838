import { checkSingletonOptions } from '../coordination/singleton/check-singleton-options.js';
import type { SingletonOptions } from '../coordination/singleton/singleton-options.interface.js';
import { outsideRuns, SingletonRuns } from '../coordination/singleton/singleton-runs.js';
import type { LockOrigin } from '../diagnostics/messages.interface.js';
import { parseDuration } from '../engine/options/duration.js';
import { assertLockedAround, currentLock, outsideFrames } from '../engine/lock/lock-context.js';
import { readHandedOver } from '../engine/options/handed-over.js';
import { normalizeKeys } from '../engine/options/lock-keys.js';
import { assertOwner } from '../engine/options/owner-ids.js';
import { LockConfigurationError } from '../errors/index.js';
import type {
  AcquireOptions,
  ExecuteOptions,
  ExtendOptions,
  ForceReleaseOptions,
  ListOptions,
  Lock,
  LockInfo,
  ProviderChoice,
  ReleaseOptions,
  RestoreOptions,
  SeenHolder,
  TryAcquireOptions,
} from '../interfaces/index.js';
import { jobNotFunction, ownerRequired, seenForOneKey, seenNoHolder } from './locking.messages.js';
import type { LockingRegistry } from './locking.registry.js';

/** Frozen, so that what it comes to is known from the second call on. */
const NO_OPTIONS = Object.freeze({});

/**
 * The injectable face of the locks.
 *
 * `keys` is a string or an array. An array is deduplicated and taken in one fixed order, all or nothing: two callers
 * with the same keys in any order cannot deadlock, and a failed call leaves nothing held.
 *
 * Every call may throw `LockKeyError` for an unusable key and `LockConfigurationError` for unusable options, before
 * anything is locked, and `LockBackendError` when the store cannot be asked.
 *
 * @example
 * constructor(private readonly locking: LockingService) {}
 *
 * async pay(id: string) {
 *   return this.locking.execute(`order:${id}`, async (lock) => this.gateway.charge(id, lock.fencingToken));
 * }
 */
export class LockingService {
  /** @internal */
  constructor(
    private readonly registry: LockingRegistry,
    private readonly providerId?: string,
    private readonly singletons = new SingletonRuns(),
    private readonly mayBeOwn = false,
  ) {}

  /** @internal The same service, for this package itself: it may take the keys of elections and scheduled jobs. */
  static forOwnKeys(locking: LockingService): LockingService {
    return Object.create(locking, { mayBeOwn: { value: true } }) as LockingService;
  }

  /** @internal What messages about locks of this service name as their source. */
  originOf({ provider = this.providerId }: ProviderChoice = {}): LockOrigin {
    return this.registry.origin(provider);
  }

  /** @internal Calls `listener` whenever another server may answer for the provider, which may lack the last writes. */
  onStoreReplaced(listener: () => void, options: ProviderChoice = {}): void {
    this.engine(options).replacement.listeners.add(listener);
  }

  /**
   * Holds `keys` while `job` runs, renewing the lease underneath, and always releases. What the job returns or throws
   * passes through untouched.
   *
   * @param options - `timeout` (default `waitLockingTimeout`, 5 s), `expire` (default 30 s), `ownerId`, `renew`,
   * `signal`, `provider`, `reentrant`, `maxHold`, `minHold`, `label`, `warnAfter`
   * @throws LockTimeoutError when another holder had a key until the end of `timeout`; the job was not run
   * @throws LockLostError when the lock was lost while the job ran; its `outcome` carries what the job came to
   * @throws LockConfigurationError when the job returned an Observable or a generator, which would run without the lock;
   * nothing of it was run
   *
   * @example
   * const total = await locking.execute(['cart:1', 'stock:7'], async ({ signal }) => checkout(signal), { timeout: '2s' });
   */
  // This and `acquire` are no async functions: that would cost every call another promise.
  // eslint-disable-next-line @typescript-eslint/promise-function-async
  execute<T>(
    keys: string | readonly string[],
    job: (lock: Lock) => T | PromiseLike<T>,
    options: ExecuteOptions = NO_OPTIONS,
  ): Promise<T> {
    try {
      if (typeof job !== 'function') throw new LockConfigurationError(jobNotFunction('execute'));
      const engine = this.engine(options);
      return engine.execute(normalizeKeys(keys, this.mayBeOwn), job, engine.resolve(options, 'job'));
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is what was thrown
      return Promise.reject(error);
    }
  }

  /**
   * Runs `job` unless it runs already, here or in any other process: then the call is skipped and resolves with
   * `undefined` at once, or, with `join: true` and in the same process, shares what the run comes to. The key is held
   * as by {@link execute} and shares its lock space. A call from inside the job does not run it again either.
   *
   * @param options - `join` (default false), `expire` (default 30 s), `signal`, `provider`, `maxHold`, `minHold`,
   * `label`, `warnAfter`
   * @throws LockLostError when the lock was lost while the job ran; its `outcome` carries what the job came to
   * @throws LockConfigurationError when the job returned an Observable or a generator; nothing of it was run
   *
   * @example
   * const report = await locking.singleton('daily-report', () => build(), { join: true });
   * if (report === undefined) log('another instance is building it');
   */
  async singleton<T>(
    keys: string | readonly string[],
    job: (lock: Lock) => T | PromiseLike<T>,
    options: SingletonOptions = NO_OPTIONS,
  ): Promise<T | undefined> {
    if (typeof job !== 'function') throw new LockConfigurationError(jobNotFunction('singleton'));
    const checked = checkSingletonOptions(options);
    const provider = this.registry.resolveId(options.provider ?? this.providerId);
    return this.singletons.run({ locking: this, provider, keys, job, options: checked });
  }

  /**
   * Takes `keys` and hands the lock to the caller, who must release it. With neither `expire` nor `ownerId` it is
   * renewed until then; with `expire` it is a fixed lease unless `renew: true`; with an `ownerId` alone it never
   * expires. A renewed lock without an `ownerId` that was garbage collected before its release ends with its lease, and a
   * warning names its keys; a reference to it or to its `signal` keeps it.
   *
   * @throws LockTimeoutError when another holder had a key until the end of `timeout` (default 5 s)
   *
   * @example
   * await using lock = await locking.acquire('report', { expire: '1m' });
   */
  // eslint-disable-next-line @typescript-eslint/promise-function-async -- as `execute`
  acquire(keys: string | readonly string[], options: AcquireOptions = NO_OPTIONS): Promise<Lock> {
    try {
      const engine = this.engine(options);
      return engine.acquire(normalizeKeys(keys, this.mayBeOwn), engine.resolve(options, 'handle'));
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is what was thrown
      return Promise.reject(error);
    }
  }

  /**
   * Takes `keys` if they are free now; `null` if any is held. Never waits. Otherwise as {@link acquire}.
   *
   * @example
   * const lock = await locking.tryAcquire('nightly');
   * if (!lock) return;
   */
  async tryAcquire(keys: string | readonly string[], options: TryAcquireOptions = NO_OPTIONS): Promise<Lock | null> {
    const engine = this.engine(options);
    return engine.tryAcquire(normalizeKeys(keys, this.mayBeOwn), engine.resolve(options, 'handle'));
  }

  /**
   * Goes on with a lock that another process has given up by `lock.serialize()`: it is held here from now on, with a greater
   * token, and renewed unless `expire` is given, as by {@link acquire}. Restore each text in one process: two
   * processes at the same moment may both have the lock, as two callers of one owner do. In one process one call has it.
   *
   * @returns `null` if the lock is no longer what was serialized: it ended with its lease, was revoked or was restored already
   * @throws LockConfigurationError for a text that `serialize` has not returned
   *
   * @example
   * await using lock = await locking.restore(job.data.lock);
   * if (!lock) return; // too late
   */
  async restore(serialized: string, options: RestoreOptions = {}): Promise<Lock | null> {
    const { ownerId, tokens } = readHandedOver(serialized);
    const keys = normalizeKeys([...tokens.keys()], this.mayBeOwn);
    const engine = this.engine(options);
    const renew = options.renew ?? options.expire === undefined;
    return engine.restore(
      tokens,
      keys,
      engine.resolve({ ...options, renew, ownerId, reentrant: false }, 'handle', true),
    );
  }

  /**
   * Frees those of `keys` that `ownerId` holds; without one, those that this application instance holds. The signals
   * of this instance's locks on them abort.
   *
   * @returns true only if every key was held so
   */
  async release(keys: string | readonly string[], options: ReleaseOptions = {}): Promise<boolean> {
    assertOwner(options.ownerId);
    return this.engine(options).byKey.release(normalizeKeys(keys, this.mayBeOwn), options.ownerId);
  }

  /**
   * Frees everything that `ownerId` holds, in any process; without one, what this application instance holds. Each
   * key is freed by an atomic check of its owner.
   *
   * @returns how many keys were freed
   */
  async releaseAll(options: ReleaseOptions = {}): Promise<number> {
    assertOwner(options.ownerId);
    return this.engine(options).byKey.releaseAll(options.ownerId);
  }

  /**
   * Makes the owner's lock on `keys` last at least `expire` from now: all of them, or none.
   *
   * @returns false if any key is no longer that owner's
   *
   * @example
   * await locking.extend('import', { ownerId: 'importer-1', expire: '5m' });
   */
  async extend(keys: string | readonly string[], options: ExtendOptions): Promise<boolean> {
    const { ownerId, expire } = options;
    if ((ownerId as string | undefined) === undefined) throw new LockConfigurationError(ownerRequired());
    assertOwner(ownerId);
    const ttl = parseDuration(expire, 'expire', { bareUnit: 's', minimum: 1 });
    return this.engine(options).extendKeys(normalizeKeys(keys, this.mayBeOwn), ownerId, ttl);
  }

  /**
   * Frees `keys`, with any holder: for operators, and for locks that never expire. A holder in another process finds out
   * at its next renewal at the latest (after a third of its lease, 10 s by default), and its signal aborts. Until then it
   * may go on beside the next holder.
   *
   * With `seen`, only if the holder is the one that `inspect` or `list` has shown: one that has come since keeps the key.
   *
   * @returns how many of them were held; a lock of this instance that has ended by it counts in any case
   *
   * @example
   * const seen = await locking.inspect('report');
   * if (seen && (await ask(`Release what ${seen.ownerId} holds?`))) await locking.forceRelease('report', { seen });
   */
  async forceRelease(keys: string | readonly string[], options: ForceReleaseOptions = {}): Promise<number> {
    const { seen } = options;
    const all = normalizeKeys(keys, true);
    if (seen === undefined) return this.engine(options).byKey.forceRelease(all);
    const [key] = all;
    if (key === undefined || all.length > 1) throw new LockConfigurationError(seenForOneKey());
    if (!isHolder(seen)) throw new LockConfigurationError(seenNoHolder());
    return Number(await this.engine(options).byKey.forceReleaseSeen(key, seen));
  }

  /** The holder of `key`, and for how long it holds; `null` if the key is free. */
  async inspect(key: string, options: ProviderChoice = {}): Promise<LockInfo | null> {
    const [only = key] = normalizeKeys(key, true);
    return this.engine(options).overview.inspect(only);
  }

  /**
   * Goes through all held locks, or those whose key matches a glob, without blocking the store. A lock that
   * is taken or freed meanwhile may or may not be seen.
   *
   * @example
   * for await (const { key, ownerId, ttl } of locking.list({ match: 'order:*' })) console.log(key, ownerId, ttl);
   */
  list(options: ListOptions = {}): AsyncIterable<LockInfo> {
    return this.engine(options).overview.list(options.match);
  }

  /** The innermost lock of the running call chain: of the `execute` or decorated method this is called from. */
  current(): Lock | undefined {
    return currentLock();
  }

  /**
   * Makes sure that a job around this call holds `keys`: for code that goes wrong without the lock, and that a caller may
   * forget to lock for. It asks the local clock, not the store, and knows the jobs of `execute` and decorated methods.
   *
   * @throws LockConfigurationError when no job around the call holds one of them
   * @throws LockLostError when one does, and has lost it
   *
   * @example
   * async book(id: string): Promise<void> {
   *   this.locking.assertLocked(`order:${id}`);
   *   await this.ledger.write(id);
   * }
   */
  assertLocked(keys: string | readonly string[], options: ProviderChoice = {}): void {
    assertLockedAround(this.engine(options), normalizeKeys(keys, this.mayBeOwn));
  }

  /**
   * Calls `work` outside every lock and singleton of the running call chain, as `exit` of an `AsyncLocalStorage` does:
   * inside, {@link current} is `undefined`, and a call for a key that the chain holds does not join but competes. Only
   * what `work` starts is concerned, and what follows from that; your own contexts stay.
   *
   * For what outlives the job it is started in, and serves others: a loop, a queue, a pool, a connection that is opened
   * when it is first needed. Waiting inside for a key that the job around holds is waiting for oneself.
   *
   * @returns what `work` returns
   *
   * @example
   * this.worker ??= locking.runOutsideLocks(() => this.startWorker());
   */
  runOutsideLocks<T>(work: () => T): T {
    return outsideRuns(() => outsideFrames(work));
  }

  /**
   * The same calls, bound to another provider.
   *
   * @throws LockConfigurationError when there is none of this id
   *
   * @example
   * await locking.provider('locking-redis').execute('report', build);
   */
  provider(id: string): LockingService {
    this.registry.engine(id);
    return new LockingService(this.registry, id, this.singletons, this.mayBeOwn);
  }

  /** The name of this instance of the application: the `instanceId` of the module, or host name and process id. */
  get instanceId(): string {
    return this.registry.instanceId;
  }

  /** @internal The ids of all providers, the default one first. */
  get providerIds(): readonly string[] {
    return this.registry.providerIds;
  }

  /** @internal Whether the application is shutting down. */
  get isClosing(): boolean {
    return this.registry.isClosing;
  }

  private engine({ provider = this.providerId }: ProviderChoice): ReturnType<LockingRegistry['engine']> {
    return this.registry.engine(provider);
  }
}

function isHolder(seen: unknown): seen is SeenHolder {
  if (typeof seen !== 'object' || seen === null) return false;
  const { ownerId, fencingToken } = seen as Partial<Record<keyof SeenHolder, unknown>>;
  return typeof ownerId === 'string' && (fencingToken === null || typeof fencingToken === 'number');
}
