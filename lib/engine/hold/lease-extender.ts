import type { HeldLease } from '../../provider-api/index.js';
import { takenAway } from '../engine.messages.js';
import { localDeadline } from '../runtime/drift.js';
import type { LeaseClock } from '../runtime/lease-clock.js';
import { STORE_ANSWER_TIMEOUT, type StoreCalls } from '../store/store-calls.js';
import type { LeaseTable } from './lease-table.js';
import type { Lease } from './lease.js';

/** What this process had of a key, if anything, when the store was asked after it. */
type AskedAfter = (HeldLease & { readonly lease: Lease }) | undefined;

/** Exactly one of the two is called, once. */
export interface ExtensionSink {
  answered(held: readonly boolean[]): void;
  failed(error: unknown): void;
}

/** Extends leases in the store, or asks whether they stand, and notes what the store answers. */
export class LeaseExtender {
  constructor(
    private readonly calls: StoreCalls,
    private readonly clock: LeaseClock,
    private readonly leases: LeaseTable,
    /** The store does not have a lease any more that it has granted. */
    private readonly onLost: (lease: Lease) => void,
    private readonly advance: (keys: readonly string[]) => void,
  ) {}

  /**
   * All of `keys` or none. An error is neither held nor lost, and an answer that comes late still counts.
   *
   * @param ttl - milliseconds; `null` only asks
   * @param waitsOn - after the time for an answer is over, too: the same question again would only wait behind this one
   */
  extend(keys: readonly string[], ownerId: string, ttl: number | null, sink: ExtensionSink, waitsOn = false): void {
    const sentAt = this.clock.now();
    const asked = keys.map((key) => this.heldOf(key, ownerId));
    const attemptId = asked.length === 1 ? asked[0]?.attemptId : undefined;
    const answered = (held: readonly boolean[]): void => {
      this.note(asked, held, ttl === null ? undefined : localDeadline(sentAt, ttl));
      sink.answered(held);
    };
    this.calls.extend(
      { keys, ownerId, ttl, attemptId, leases: asked },
      {
        answered,
        failed: (error, owed) => {
          if (owed && waitsOn) {
            owed.then(answered, (late: unknown) => {
              sink.failed(late);
            });
          } else sink.failed(error);
        },
      },
    );
  }

  /** The same, as a caller asks for it. */
  // Not an async function: a caller that extends thousands at once pays for every promise.
  // eslint-disable-next-line @typescript-eslint/promise-function-async
  extendByKey(keys: readonly string[], ownerId: string, ttl: number | null): Promise<boolean> {
    const sentAt = this.clock.now();
    for (const key of ttl === null ? [] : keys) {
      this.leases.of(key, ownerId)?.noteExtension(sentAt + (ttl ?? 0), STORE_ANSWER_TIMEOUT);
    }
    return new Promise((resolve, reject) => {
      this.extend(keys, ownerId, ttl, {
        answered: (held) => {
          resolve(held.every(Boolean));
        },
        failed: reject,
      });
    });
  }

  /** The same for the caller's own keys; false also where `ownerId` is not the present holder of a lease that goes round here. */
  async extendOfOwner(keys: readonly string[], ownerId: string, ttl: number | null): Promise<boolean> {
    let owner = ownerId;
    for (const key of keys) {
      const lease = this.leases.get(key);
      if (!lease?.shared) continue;
      // The store knows only the first of those who have it in turn.
      if (lease.grants[0]?.ownerId !== ownerId || keys.length > 1) return false;
      owner = lease.ownerId;
    }
    return this.extendByKey(keys, owner, ttl);
  }

  private heldOf(key: string, ownerId: string): AskedAfter {
    const lease = this.leases.of(key, ownerId);
    if (!lease) return undefined;
    const { attemptId, firstToken, lastToken, deadline } = lease;
    return {
      lease,
      attemptId,
      fencingToken: firstToken,
      lastToken,
      remaining: deadline === Infinity ? null : deadline - this.clock.now(),
    };
  }

  /** @param deadline - if the store extended the keys as well. Grants from after the question are not concerned. */
  private note(asked: readonly AskedAfter[], held: readonly boolean[], deadline: number | undefined): void {
    const isExtended = deadline !== undefined && held.every(Boolean);
    const lost: string[] = [];
    asked.forEach((one, index) => {
      if (!one) return;
      const { lease, attemptId } = one;
      if (this.leases.get(lease.key) !== lease || lease.attemptId !== attemptId) return;
      if (!held[index]) {
        lost.push(lease.key);
        this.leases.revoke(lease, takenAway([lease.key]), 'gone');
        this.onLost(lease);
      } else if (isExtended) {
        lease.extendTo(deadline);
        lease.settleDoubt(this.clock.now());
      }
    });
    if (lost.length > 0) this.advance(lost);
  }
}
