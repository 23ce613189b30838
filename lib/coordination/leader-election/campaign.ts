import { asKeyTemplate } from '../../engine/options/call-options.js';
import { isLockTimeoutError } from '../../errors/index.js';
import type { Lock } from '../../interfaces/index.js';
import type { LockingService } from '../../module/locking.service.js';
import { leaderKey, uniqueOwner } from './leader-keys.js';
import type { Outage } from './outage.js';
import { pause } from '../pause.js';
import type { ElectionPlan } from './read-leader-options.js';
import { renewOptions } from './renewal.js';

/** No wait lasts for ever: after so long a candidate joins the queue again at its end. */
const PATIENCE = '24h';

/** Milliseconds between attempts where the store cannot be asked, from the first to the longest. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1000;

/** Gets this instance elected, sooner or later. */
export class Campaign {
  private hasAsked = false;

  constructor(
    private readonly plan: ElectionPlan,
    private readonly locking: () => LockingService,
    private readonly outage: Outage,
    /** Called once, if another instance led when this one first looked. */
    private readonly onSomebodyElse: () => void,
  ) {}

  /** Resolves with the lock of the leader. Rejects only when `signal` aborts. */
  async win(signal: AbortSignal): Promise<Lock> {
    for (let failures = 0; ;) {
      signal.throwIfAborted();
      try {
        const lock = await this.tryToWin(signal);
        this.outage.over();
        return lock;
      } catch (error) {
        signal.throwIfAborted();
        if (!isLockTimeoutError(error)) this.outage.note(error);
        const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures);
        failures += 1;
        await pause(longest * (0.5 + Math.random() / 2), signal);
      }
    }
  }

  private async tryToWin(signal: AbortSignal): Promise<Lock> {
    const { name, instanceId } = this.plan;
    const key = leaderKey(name);
    const keyTemplate = asKeyTemplate(key);
    const options = { ...renewOptions(this.plan), ownerId: uniqueOwner(instanceId), signal, keyTemplate };
    if (!this.hasAsked) {
      const lock = await this.locking().tryAcquire(key, options);
      this.hasAsked = true;
      if (lock) return lock;
      this.outage.over();
      this.onSomebodyElse();
    }
    const ownerId = uniqueOwner(instanceId);
    return this.locking().acquire(key, { ...options, ownerId, timeout: PATIENCE, maxWaiters: Infinity });
  }
}
