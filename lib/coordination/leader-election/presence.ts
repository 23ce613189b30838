import type { Logger } from '@nestjs/common';
import { asKeyTemplate } from '../../engine/options/call-options.js';
import type { Lock } from '../../interfaces/index.js';
import type { LockingService } from '../../module/locking.service.js';
import { Heartbeat } from './heartbeat.js';
import { notReleased } from './leader-election.messages.js';
import { presenceKey, presencePrefix, uniqueOwner } from './leader-keys.js';
import type { Outage } from './outage.js';
import { renewOptions, type Renewal } from './renewal.js';
import type { ElectionPlan } from './read-leader-options.js';

/** Shows the others that this instance is there: a lock of its own, which is taken again whenever it was lost. */
export class Presence {
  private readonly key: string;
  private readonly owner: string;
  private readonly heartbeat: Heartbeat;
  private lock: Lock | null = null;

  constructor(
    private readonly plan: ElectionPlan,
    private readonly renewal: Renewal,
    private readonly locking: () => LockingService,
    private readonly logger: Logger,
    outage: Outage,
    /** When it aborts, a presence that was lost is not shown again. */
    private readonly leaving: AbortSignal,
  ) {
    this.owner = uniqueOwner(plan.instanceId);
    this.key = presenceKey(plan.name, plan.instanceId, this.owner.slice(plan.instanceId.length + 1));
    this.heartbeat = new Heartbeat(plan.heartbeatInterval, outage, async () => this.beat());
  }

  /** Resolves once the store has been asked for the first time, whatever it has said. */
  async show(): Promise<void> {
    await this.heartbeat.begin();
  }

  async leave(): Promise<void> {
    await this.heartbeat.stop();
    try {
      await this.lock?.release();
    } catch (error) {
      this.logger.warn(notReleased(this.plan.name, error));
    }
  }

  private async beat(): Promise<boolean> {
    if (this.lock?.held) {
      if (!this.renewal.needed) return false;
      if (await this.renewal.renew(this.lock)) return true;
    }
    // A lock that is only in doubt would be renewed for ever beside the new one.
    await this.lock?.release().catch(() => undefined);
    if (this.leaving.aborted) return false;
    const keyTemplate = asKeyTemplate(`${presencePrefix(this.plan.name)}<id>`);
    const options = { ...renewOptions(this.plan), ownerId: this.owner, signal: this.leaving, keyTemplate };
    this.lock = await this.locking().tryAcquire(this.key, options);
    return true;
  }
}
