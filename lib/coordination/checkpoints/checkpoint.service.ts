import type { Grant } from '../../engine/hold/lease.js';
import { HeldLock } from '../../engine/lock/held-lock.js';
import { LockConfigurationError } from '../../errors/index.js';
import type {
  Checkpoint,
  CheckpointInfo,
  CheckpointOptions,
  Checkpoints,
  Lock,
  ProviderChoice,
  SaveCheckpointOptions,
} from '../../interfaces/index.js';
import type { LockingRegistry } from '../../module/locking.registry.js';
import type { LockingService } from '../../module/locking.service.js';
import type { RecordService } from '../../records/index.js';
import { lockOfOtherKeys, lockOfOtherProvider, notHolding, sequenceNotUsable } from './checkpoint.messages.js';
import { CheckpointRecords, toInfo } from './checkpoint-records.js';
import { HeldCheckpoints, LockCheckpoints } from './lock-checkpoints.js';
import { assertKeep, readCheckpointOptions } from './read-checkpoint-options.js';

/** Options of the calls of {@link CheckpointService}: those of the checkpoints, and the lock that the caller holds. */
export interface CheckpointCallOptions<T = unknown> extends CheckpointOptions<T>, ProviderChoice {
  /**
   * The lock of the key, where the call is not made inside its job.
   *
   * @defaultValue the innermost lock of the running call chain that holds the key, by the provider if one is named
   */
  lock?: Lock | undefined;
}

/** Options of {@link CheckpointService.save}. */
export interface SaveCheckpointCallOptions<T = unknown> extends CheckpointCallOptions<T>, SaveCheckpointOptions {}

/**
 * Checkpoints by the key of their lock, for methods under a decorator, and for those who look from outside. The holder of
 * the key, inside its job, gets what {@link Lock.checkpoints} does.
 *
 * Every call may throw `LockConfigurationError` for options that cannot work and for a provider without records, and
 * `LockBackendError` when the store cannot be asked.
 *
 * @example
 * \@WithLock('import:<0>')
 * async run(file: string): Promise<void> {
 *   const latest = await this.checkpoints.loadLatest<{ row: number }>(`import:${file}`);
 *   for (let row = latest?.data.row ?? 0; row < this.count; row += 1) {
 *     await this.importRow(row);
 *     await this.checkpoints.save(`import:${file}`, { row: row + 1 });
 *   }
 *   await this.checkpoints.deleteAll(`import:${file}`);
 * }
 */
export class CheckpointService {
  /** By grant, and by the name of the checkpoints: locks that join a grant are one holder. */
  private readonly ofGrants = new WeakMap<Grant, Map<string, HeldCheckpoints>>();

  /** Those that each lock flushes at its release. */
  private readonly ofLocks = new WeakMap<HeldLock, Set<HeldCheckpoints>>();

  /** @internal */
  constructor(
    private readonly locking: LockingService,
    private readonly records: RecordService,
    private readonly registry: LockingRegistry,
  ) {}

  /** @internal The checkpoints of a lock. */
  of<T>(lock: HeldLock, provider: string, options: CheckpointOptions<T>): Checkpoints<T> {
    const settings = readCheckpointOptions(lock.keys, options);
    this.records.assertOffered(provider);
    const records = new CheckpointRecords<T>({ service: this.records, provider }, settings);
    return new LockCheckpoints<T>(lock, this.heldBy(lock, settings.name), records, settings);
  }

  /**
   * Saves the state of the job that holds `key`.
   *
   * @returns the checkpoint, or `null` if `every` keeps it in memory for now
   * @throws LockLostError when a later holder has loaded or saved; with `transaction`, when the lock is no longer held
   * @throws LockConfigurationError when the call chain does not hold the key, and for a `transaction` that is not in the
   * database of the locks
   *
   * @example
   * await this.checkpoints.save('import', { row }, { progress: row / rows.length, every: '5s' });
   */
  async save<T>(key: string, data: T, options: SaveCheckpointCallOptions<T> = {}): Promise<CheckpointInfo | null> {
    const checkpoints = this.held(key, options);
    if (!checkpoints) throw new LockConfigurationError(notHolding(key));
    const { progress, transaction } = options;
    return checkpoints.save(data, { progress, transaction });
  }

  /**
   * The latest checkpoint; `null` if there is none. The holder of `key` claims it by that: the saves of earlier holders are
   * refused.
   *
   * @example
   * const latest = await this.checkpoints.loadLatest<{ row: number }>('import');
   */
  async loadLatest<T>(key: string, options: CheckpointCallOptions<T> = {}): Promise<Checkpoint<T> | null> {
    const checkpoints = this.held(key, options);
    if (checkpoints) return checkpoints.loadLatest();
    return this.outside(key, options).find((entries) => entries.at(-1));
  }

  /**
   * One checkpoint by its sequence; `null` if it is not kept any more.
   *
   * @example
   * const first = await this.checkpoints.load<{ row: number }>('import', 1);
   */
  async load<T>(key: string, sequence: number, options: CheckpointCallOptions<T> = {}): Promise<Checkpoint<T> | null> {
    if (!Number.isSafeInteger(sequence) || sequence < 1) {
      throw new LockConfigurationError(sequenceNotUsable(sequence));
    }
    const checkpoints = this.held(key, options);
    if (checkpoints) return checkpoints.load(sequence);
    return this.outside(key, options).find((entries) => entries.find((one) => one.sequence === sequence));
  }

  /**
   * All checkpoints that are kept, oldest first, without their data.
   *
   * @example
   * for (const { sequence, progress, savedAt } of await this.checkpoints.list('import')) console.log(sequence, progress, savedAt);
   */
  async list(key: string, options: CheckpointCallOptions = {}): Promise<CheckpointInfo[]> {
    const checkpoints = this.held(key, options);
    if (checkpoints) return checkpoints.list();
    return (await this.outside(key, options).readHead()).entries.map(toInfo);
  }

  /**
   * Deletes all but the newest `keep`. Outside the job that holds `key`, the call takes the key for that, without waiting.
   *
   * @throws LockTimeoutError when another caller holds the key
   *
   * @example
   * await this.checkpoints.cleanup('import', { keep: 1 });
   */
  async cleanup(key: string, options: CheckpointCallOptions & { keep: number }): Promise<void> {
    assertKeep(options.keep);
    await this.asHolder(key, options, async (checkpoints) => checkpoints.cleanup({ keep: options.keep }));
  }

  /**
   * Deletes all of them. Outside the job that holds `key`, the call takes the key for that, without waiting.
   *
   * @throws LockTimeoutError when another caller holds the key
   *
   * @example
   * await this.checkpoints.deleteAll('import');
   */
  async deleteAll(key: string, options: CheckpointCallOptions = {}): Promise<void> {
    await this.asHolder(key, options, async (checkpoints) => checkpoints.deleteAll());
  }

  private async asHolder(
    key: string,
    options: CheckpointCallOptions,
    work: (checkpoints: Checkpoints<unknown>) => Promise<void>,
  ): Promise<void> {
    const checkpoints = this.held(key, options);
    if (checkpoints) return work(checkpoints);
    const { provider } = options;
    await this.locking.execute(key, async (lock) => work(lock.checkpoints(optionsIn(options))), {
      timeout: 0,
      provider,
    });
  }

  private heldBy(lock: HeldLock, name: string): HeldCheckpoints {
    const { keys, grants } = lock;
    const grant = grants.find((one) => one.keys.includes(name)) ?? grants[0];
    let ofGrant = this.ofGrants.get(grant);
    if (!ofGrant) this.ofGrants.set(grant, (ofGrant = new Map<string, HeldCheckpoints>()));
    let held = ofGrant.get(name);
    if (!held) {
      const [only = '', ...others] = keys;
      const key = keys.includes(name) || others.length > 0 ? name : only;
      // The tokens of different keys have no order: what belongs to one key goes by the token of that.
      const token = keys.includes(key) ? lock.fencingTokenFor(key) : lock.fencingToken;
      ofGrant.set(name, (held = new HeldCheckpoints(token, name)));
    }
    this.flushAtRelease(lock, held);
    return held;
  }

  private flushAtRelease(lock: HeldLock, held: HeldCheckpoints): void {
    let ofLock = this.ofLocks.get(lock);
    if (!ofLock) this.ofLocks.set(lock, (ofLock = new Set()));
    if (ofLock.has(held)) return;
    ofLock.add(held);
    lock.beforeRelease(async () => held.flushAtRelease(lock));
  }

  /** The checkpoints in the hands of the holder, if the caller is that. */
  private held<T>(key: string, options: CheckpointCallOptions<T>): Checkpoints<T> | undefined {
    const { name = key, provider } = options;
    const lock = options.lock ?? this.registry.lockAround(key, provider);
    if (lock === options.lock && lock) this.assertFits(lock, key, provider);
    return lock?.checkpoints({ ...optionsIn(options), name });
  }

  private assertFits(lock: Lock, key: string, provider: string | undefined): void {
    if (!lock.keys.includes(key)) throw new LockConfigurationError(lockOfOtherKeys(key, lock.keys));
    if (provider === undefined || !(lock instanceof HeldLock) || lock.isOf(this.registry.engine(provider))) return;
    throw new LockConfigurationError(lockOfOtherProvider(key, provider));
  }

  private outside<T>(key: string, options: CheckpointCallOptions<T>): CheckpointRecords<T> {
    const { provider } = options;
    this.records.assertOffered(provider);
    return new CheckpointRecords({ service: this.records, provider }, readCheckpointOptions([key], options));
  }
}

function optionsIn<T>({
  name,
  every,
  keep,
  ttl,
  version,
  migrate,
  maxSize,
}: CheckpointCallOptions<T>): CheckpointOptions<T> {
  return { name, every, keep, ttl, version, migrate, maxSize };
}
