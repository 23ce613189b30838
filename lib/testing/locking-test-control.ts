import { randomUUID } from 'node:crypto';
import { parseDuration } from '../engine/options/duration.js';
import { normalizeKeys } from '../engine/options/lock-keys.js';
import type { Duration, ProviderChoice } from '../interfaces/index.js';
import type { LockingRegistry } from '../module/locking.registry.js';
import { InMemoryLockingProvider } from '../providers/memory/in-memory-locking.provider.js';
import type { MemoryLockStore } from '../providers/memory/memory-lock-store.js';
import type { ManualClock } from './manual-clock.js';

/** What the owner ids of holders in other, imagined processes begin with. */
export const ELSEWHERE = 'elsewhere:';

/** Options of {@link LockingTestControl.holdElsewhere}. */
export interface HoldElsewhereOptions extends ProviderChoice {
  /** How long the other holder has the keys; for good without it. A number is seconds. */
  expire?: Duration | undefined;
}

/**
 * What a test does to the locks of the application under test.
 *
 * @example
 * const control = app.get(LockingTestControl);
 * const elsewhere = await control.holdElsewhere('order:42');
 * const paying = orders.pay('42');
 * await control.clock.advance('5s');
 * await expect(paying).rejects.toThrow(LockTimeoutError);
 */
export class LockingTestControl {
  /** @internal */
  constructor(
    /** The clock that leases, renewals and timeouts run on. */
    readonly clock: ManualClock,
    private readonly registry: LockingRegistry,
    private readonly stores: ReadonlyMap<string, MemoryLockStore>,
  ) {}

  /**
   * Has another holder, as if in another process, hold `keys`.
   *
   * @returns an object that frees them again; waiters are then served at once. A key whose `expire` has run out is no longer
   * its own: it stays with its holder of that moment
   * @throws Error when one of the keys is held already
   */
  async holdElsewhere(
    keys: string | readonly string[],
    options: HoldElsewhereOptions = {},
  ): Promise<{ release(): Promise<void> }> {
    const store = this.stores.get(this.registry.resolveId(options.provider));
    const elsewhere = new InMemoryLockingProvider({ store });
    const normalized = normalizeKeys(keys, true);
    const ttl = options.expire === undefined ? null : parseDuration(options.expire, 'expire');
    const attemptId = randomUUID();
    const ownerId = `${ELSEWHERE}${attemptId}`;
    const processId = ELSEWHERE;
    const request = { keys: normalized, ownerId, attemptId, processId, ttl, onlyIfOwned: false };
    if (!(await elsewhere.acquire(request)).granted)
      throw new Error(`holdElsewhere: ${normalized.join(', ')} is held already.`);
    return {
      release: async () => {
        await elsewhere.release({ keys: normalized, ownerId, attemptId });
      },
    };
  }

  /** Revokes `keys`: signals abort, and jobs under them end in a `LockLostError`. */
  async lose(keys: string | readonly string[], options: ProviderChoice = {}): Promise<void> {
    await this.registry.engine(options.provider).byKey.forceRelease(normalizeKeys(keys, true));
  }
}
