import type { Polled, Poller } from '../acquire/poller.js';
import type { LeaseExtender } from '../hold/lease-extender.js';
import type { LeaseTable } from '../hold/lease-table.js';
import type { KeyQueue } from '../wait/queue.js';

/** The key of one queue. */
class HeldKeyPoll implements Polled {
  checkAt = Infinity;
  readonly mayComeEarlier = true;
  asking = false;

  constructor(
    readonly queue: KeyQueue,
    private readonly onDue: (poll: HeldKeyPoll) => void,
  ) {}

  poll(): void {
    this.onDue(this);
  }
}

/** Asks after leases of this process that a caller here waits for: their holders may have lost them unnoticed. */
export class HeldKeyPolls {
  private readonly polls = new Map<KeyQueue, HeldKeyPoll>();

  /** @param interval - milliseconds from one poll of a key to the next */
  constructor(
    private readonly poller: Poller,
    private readonly leases: LeaseTable,
    private readonly extender: LeaseExtender,
    private readonly interval: number,
  ) {}

  attend(queue: KeyQueue): void {
    if (this.polls.has(queue)) return;
    const poll = new HeldKeyPoll(queue, this.onDue);
    this.polls.set(queue, poll);
    this.poller.add(poll, this.interval);
  }

  /** No waiter is left there. */
  leave(queue: KeyQueue): void {
    const poll = this.polls.get(queue);
    if (!poll) return;
    this.polls.delete(queue);
    this.poller.remove(poll);
  }

  private readonly onDue = (poll: HeldKeyPoll): void => {
    const { queue } = poll;
    const lease = this.leases.get(queue.key);
    if (!queue.head || !lease) {
      this.polls.delete(queue);
      return;
    }
    this.poller.add(poll, this.interval);
    if (lease.grants.length === 0 || poll.asking) return;
    poll.asking = true;
    const done = (): void => {
      poll.asking = false;
    };
    this.extender.extend([lease.key], lease.ownerId, null, { answered: done, failed: done }, true);
  };
}
