import type { AcquireOptions, Lock } from '../../interfaces/index.js';
import type { ElectionPlan } from './read-leader-options.js';

/** The lease of what an instance holds. The engine renews it at a third of its length, and tries again where it fails. */
export function renewOptions({ leaderTimeout, provider }: ElectionPlan): AcquireOptions {
  return {
    expire: `${leaderTimeout}ms`,
    renew: true,
    reentrant: false,
    warnAfter: false,
    ...(provider !== undefined && { provider }),
  };
}

/** Renews locks at a heartbeat, where that is to come more often than the engine renews them. */
export class Renewal {
  /** Whether a beat has anything to renew. */
  readonly needed: boolean;

  constructor(private readonly plan: ElectionPlan) {
    this.needed = plan.heartbeatInterval < Math.floor(plan.leaderTimeout / 3);
  }

  /** @returns false if the lock was lost */
  async renew(lock: Lock): Promise<boolean> {
    return lock.extend(`${this.plan.leaderTimeout}ms`);
  }
}
