import { LockConfigurationError } from '../../errors/index.js';
import type { LockInfo } from '../../interfaces/index.js';
import type { LeaseStore, StoredLease } from '../../provider-api/index.js';
import { noGlob } from '../engine.messages.js';
import type { LeaseTable } from '../hold/lease-table.js';
import { listLeases, toLockInfo } from '../hold/lease-view.js';
import type { CallOptions } from '../options/call-options.js';
import type { StoreCalls } from '../store/store-calls.js';
import type { QueueTable } from '../wait/queue.js';

/** How many callers of this process wait for locks, and how many locks it holds. */
export interface LockCount {
  waiting: number;
  held: number;
}

/** Shows which locks the store and this process have, with their waiters. */
export class LockOverview {
  constructor(
    private readonly store: LeaseStore,
    private readonly calls: StoreCalls,
    private readonly leases: LeaseTable,
    private readonly queues: QueueTable,
    private readonly processId: string,
  ) {}

  async inspect(key: string): Promise<LockInfo | null> {
    const [stored] = await this.calls.run('inspect', [key], async () => this.store.inspect([key]));
    return stored ? this.view(stored) : null;
  }

  /** @throws LockConfigurationError for a `match` that is no text, before the first step */
  list(match: string | undefined): AsyncIterable<LockInfo> {
    if (match !== undefined && typeof (match as unknown) !== 'string') throw new LockConfigurationError(noGlob(match));
    return this.listMatching(match);
  }

  /** The waiters and locks of this process, by the template of their keys. */
  census(): Map<string | undefined, LockCount> {
    const counts = new Map<string | undefined, LockCount>();
    const of = ({ keyTemplate }: CallOptions): LockCount => {
      let count = counts.get(keyTemplate);
      if (!count) counts.set(keyTemplate, (count = { waiting: 0, held: 0 }));
      return count;
    };
    for (const { options } of this.queues.waiters()) of(options).waiting += 1;
    const grants = new Set(this.leases.all().flatMap((lease) => lease.grants));
    for (const { options, isDelivered } of grants) if (isDelivered) of(options).held += 1;
    return counts;
  }

  private async *listMatching(match: string | undefined): AsyncGenerator<LockInfo> {
    for await (const stored of listLeases(this.store, this.calls, match)) yield this.view(stored);
  }

  private view(stored: StoredLease): LockInfo {
    const { key } = stored;
    return toLockInfo(stored, this.processId, this.leases.get(key), this.queues.waiting(key));
  }
}
