import { lockingChannels } from './channels.js';
import type { AcquireMessage, HoldMessage, LockOrigin, LossReason, StoreMessage } from './messages.interface.js';

const { acquire, hold, store } = lockingChannels;

/** Whether anything listens to waits or holds: the one check on the way of every lock. */
export const isObserved = (): boolean => acquire.hasSubscribers || hold.hasSubscribers;

/** Tells the subscribers of `acquire` of one wait. */
export class AcquireTrace {
  constructor(
    readonly message: AcquireMessage,
    private readonly since: number,
  ) {
    acquire.start.publish(message);
  }

  /** The call has returned. */
  returned(): void {
    acquire.end.publish(this.message);
  }

  granted(ownerId: string, fencingToken: number, now: number): void {
    this.end({ outcome: 'acquired', ownerId, fencingToken }, now);
  }

  refused(outcome: Exclude<AcquireMessage['outcome'], 'acquired' | undefined>, error: unknown, now: number): void {
    Object.assign(this.message, { error });
    acquire.error.publish(this.message);
    this.end({ outcome }, now);
  }

  private end(result: Partial<AcquireMessage>, now: number): void {
    const { message } = this;
    Object.assign(message, result, { waited: now - this.since });
    acquire.asyncStart.publish(message);
    acquire.asyncEnd.publish(message);
  }
}

/** Tells the subscribers of `hold` of one lock, from its grant to its end. */
export class HoldTrace {
  private ended = false;

  constructor(
    private readonly message: HoldMessage,
    private readonly now: () => number,
    private readonly since = now(),
  ) {
    hold.start.publish(message);
    hold.end.publish(message);
  }

  /** Only the first end counts. */
  end(outcome: 'released' | LossReason, error?: unknown): void {
    if (this.ended) return;
    this.ended = true;
    const { message } = this;
    Object.assign(message, { outcome, held: this.now() - this.since });
    if (error !== undefined) {
      message.error = error;
      hold.error.publish(message);
    }
    hold.asyncStart.publish(message);
    hold.asyncEnd.publish(message);
  }
}

/** Tells the subscribers of `store` of one call. */
export class StoreTrace {
  private readonly message: StoreMessage;
  private failed = 0;
  private ended = false;

  constructor(
    origin: LockOrigin,
    operation: string,
    requests: number,
    private readonly since: number,
  ) {
    this.message = { ...origin, operation, requests };
    store.start.publish(this.message);
  }

  /** The call is under way. */
  returned(): void {
    store.end.publish(this.message);
  }

  /** So many of its requests have failed. */
  fail(error: unknown, requests = 1): void {
    if (this.ended) return;
    this.failed += requests;
    this.message.error ??= error;
  }

  /** Only the first end counts. */
  end(now: number): void {
    if (this.ended) return;
    this.ended = true;
    const { message } = this;
    Object.assign(message, { duration: now - this.since, failed: this.failed });
    if (this.failed > 0) store.error.publish(message);
    store.asyncStart.publish(message);
    store.asyncEnd.publish(message);
  }
}
