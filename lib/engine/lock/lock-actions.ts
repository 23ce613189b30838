import { LockConfigurationError } from '../../errors/index.js';
import type { CheckpointOptions, Checkpoints, Duration, LockTransaction } from '../../interfaces/index.js';
import { noCheckpoints } from '../engine.messages.js';
import type { LeaseExtender } from '../hold/lease-extender.js';
import type { Grant } from '../hold/lease.js';
import type { Releaser } from '../hold/releaser.js';
import { parseExpire } from '../options/call-options.js';
import type { EngineSettings } from '../options/engine-settings.js';
import type { HeldLock, HeldLockActions } from './held-lock.js';
import type { LockTransfer } from './lock-transfer.js';
import type { SlowLocks } from './slow-locks.js';
import type { TransactionFence } from './transaction-fence.js';

/** What the locks of one engine do when their holder asks for it. */
export class LockActions implements HeldLockActions {
  /** Makes the checkpoints of a lock, where the application has them. */
  makeCheckpoints?: <T>(lock: HeldLock, options: CheckpointOptions<T>) => Checkpoints<T>;

  constructor(
    readonly engine: object,
    private readonly settings: EngineSettings,
    private readonly releaser: Releaser,
    private readonly extender: LeaseExtender,
    private readonly slow: SlowLocks,
    private readonly fence: TransactionFence,
    private readonly transfer: LockTransfer,
  ) {}

  leave(grant: Grant, minHold: number): boolean | Promise<boolean> {
    const held = this.releaser.leave(grant, minHold);
    if (this.slow.size > 0 && !grant.hasLocks) this.slow.end(grant);
    return held;
  }

  async extend(grant: Grant, expire: Duration | undefined): Promise<boolean> {
    const { leases, options } = grant;
    const ttl = expire === undefined ? options.ttl : parseExpire(expire, this.settings);
    const [first] = leases;
    if (!first) return false;
    const keys = leases.map(({ key }) => key);
    await this.extender.extendByKey(keys, first.ownerId, ttl);
    return grant.held;
  }

  async assertIn(lock: HeldLock, transaction: LockTransaction): Promise<void> {
    return this.fence.assertIn(lock, transaction);
  }

  /** @throws LockConfigurationError where there are none */
  checkpoints<T>(lock: HeldLock, options: CheckpointOptions<T>): Checkpoints<T> {
    if (!this.makeCheckpoints) throw new LockConfigurationError(noCheckpoints());
    return this.makeCheckpoints(lock, options);
  }

  handOver(lock: HeldLock): string {
    const text = this.transfer.handOver(lock);
    this.slow.end(lock.grants[0]);
    return text;
  }
}
