import type { LockingService } from '../../module/locking.service.js';
import { pause } from '../pause.js';
import { instanceOf, leaderKey } from './leader-keys.js';
import type { LeaderHandlers } from './leader-handlers.js';
import type { ElectionPlan } from './read-leader-options.js';

/** Tells listeners of `newLeader` which instance leads, whenever that has changed. It asks the store only while there are any. */
export class LeaderWatch {
  private last?: string;

  constructor(
    private readonly plan: ElectionPlan,
    private readonly locking: () => LockingService,
    private readonly handlers: LeaderHandlers,
  ) {}

  /** Looks once a heartbeat, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.handlers.events.listenerCount('newLeader') > 0) await this.look();
      await pause(this.plan.heartbeatInterval, signal);
    }
  }

  /** The instance leads: seen in the store, or elected just now. */
  note(instanceId: string): void {
    if (instanceId === this.last || this.handlers.events.listenerCount('newLeader') === 0) return;
    this.last = instanceId;
    this.handlers.tellNewLeader(instanceId);
  }

  private async look(): Promise<void> {
    const { name, provider } = this.plan;
    try {
      const leader = await this.locking().inspect(leaderKey(name), { provider });
      if (leader) this.note(instanceOf(leader.ownerId));
    } catch {
      // The campaign tells of a store that is down; the next look tells of the leader.
    }
  }
}
