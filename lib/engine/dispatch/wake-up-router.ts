import type { WakeUpListener } from '../../provider-api/index.js';
import type { AcquireAttempt } from '../acquire/acquire-attempt.js';
import type { Acquirer } from '../acquire/acquirer.js';
import { forcedFree } from '../engine.messages.js';
import type { LeaseTable } from '../hold/lease-table.js';
import type { Lease } from '../hold/lease.js';
import type { ReleaseRetry } from '../store/release-retry.js';
import type { QueueTable } from '../wait/queue.js';
import type { LocalHandOff } from './local-hand-off.js';

/** Takes what the store tells this process to the attempt or the lease that it is about. */
export class WakeUpRouter implements WakeUpListener {
  constructor(
    private readonly queues: QueueTable,
    private readonly leases: LeaseTable,
    private readonly acquirer: Acquirer,
    private readonly handOff: LocalHandOff,
    private readonly retry: ReleaseRetry,
    private readonly advance: (keys: readonly string[]) => void,
    private readonly onStatus: (status: 'interrupted' | 'restored') => void,
  ) {}

  granted(key: string, attemptId: string, token: number, contended: boolean): void {
    this.attempt(key, attemptId)?.granted(token, contended);
  }

  offered(key: string, attemptId: string): void {
    this.attempt(key, attemptId)?.askNow();
  }

  contended(key: string, attemptId: string): void {
    const lease = this.lease(key, attemptId);
    if (lease) this.handOff.noteContended(lease);
  }

  lost(key: string, attemptId: string): void {
    const lease = this.lease(key, attemptId);
    if (!lease) return;
    this.leases.revoke(lease, forcedFree([key]), 'revoked');
    // If word of it comes late, the same attempt may have been granted again since.
    const { ownerId, ttl } = lease;
    this.retry.add({ keys: [key], ownerId, attemptId, processId: this.acquirer.processId, pending: false }, ttl);
    this.advance([key]);
  }

  interrupted(): void {
    this.acquirer.interrupted();
    // Without wake-ups a holder cannot know about other processes, so it assumes that one waits.
    for (const lease of this.leases.all()) this.handOff.noteContended(lease);
    this.onStatus('interrupted');
  }

  restored(): void {
    this.acquirer.restored();
    this.onStatus('restored');
  }

  private attempt(key: string, attemptId: string): AcquireAttempt | undefined {
    const attempt = this.queues.get(key)?.attempt;
    return attempt?.attemptId === attemptId ? attempt : undefined;
  }

  private lease(key: string, attemptId: string): Lease | undefined {
    const lease = this.leases.get(key);
    return lease?.attemptId === attemptId ? lease : undefined;
  }
}
