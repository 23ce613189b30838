import { lockingChannels } from '../../diagnostics/channels.js';
import type { AcquireOutcome, LockOrigin, LockSubject, LossReason } from '../../diagnostics/messages.interface.js';
import { AcquireTrace, HoldTrace } from '../../diagnostics/traces.js';
import { LockBackendError, LockLostError, LockTimeoutError } from '../../errors/index.js';
import { takenAway } from '../engine.messages.js';
import type { Grant } from '../hold/lease.js';
import type { CallOptions } from '../options/call-options.js';
import type { Clock } from '../runtime/clock.js';

/** Has a caller wait for its keys. */
export type Enqueue = (
  keys: readonly string[],
  options: CallOptions,
  granted: (grant: Grant) => void,
  failed: (error: unknown) => void,
) => void;

/** A caller that wants a lock, and what becomes of its wait. */
export interface LockCall {
  readonly keys: readonly string[];
  readonly options: CallOptions;
  readonly granted: (grant: Grant) => void;
  readonly failed: (error: unknown) => void;
}

/** A wait that ended without the lock although it was prepared to last. */
interface TimedOut {
  readonly keys: readonly string[];
  readonly options: CallOptions;
  readonly deadline: number;
}

/** Tells the subscribers of the diagnostics channels what becomes of the locks of one engine. */
export class LockReports {
  constructor(
    private readonly origin: LockOrigin,
    private readonly clock: Clock,
  ) {}

  /** Follows a wait, and the lock that it may come to. */
  observe({ keys, options, granted, failed }: LockCall, enqueue: Enqueue): void {
    const { clock } = this;
    const subject = this.subject(keys, options);
    const trace = new AcquireTrace({ ...subject, timeout: options.timeout }, clock.now());
    enqueue(
      keys,
      options,
      (grant) => {
        const fencingToken = Math.max(...grant.tokens);
        const { ownerId } = grant;
        trace.granted(ownerId, fencingToken, clock.now());
        grant.trace = new HoldTrace({ ...subject, ownerId, fencingToken, wait: trace.message }, () => clock.now());
        granted(grant);
      },
      (error) => {
        trace.refused(outcomeOf(error, options), error, clock.now());
        failed(error);
      },
    );
    trace.returned();
  }

  /** A grant has ended before its release. */
  lost(grant: Grant, reason: LossReason | 'released'): void {
    const { keys, ownerId, tokens, loss, trace, options, isDelivered } = grant;
    trace?.end(reason, reason === 'released' ? undefined : loss);
    const channel = reason === 'revoked' ? lockingChannels.revoked : lockingChannels.lost;
    // A lock that no caller has is lost without consequence: its waiter begins anew.
    if (reason === 'released' || !isDelivered || !channel.hasSubscribers) return;
    const error = loss ?? new LockLostError(keys, takenAway(keys));
    channel.publish({ ...this.subject(keys, options), ownerId, fencingToken: Math.max(...tokens), reason, error });
  }

  /** A wait has ended with `error`, which may say that another holder has a key. */
  refused({ keys, options, deadline }: TimedOut, error: unknown): void {
    const { timeout } = options;
    if (timeout === 0 || !(error instanceof LockTimeoutError) || !lockingChannels.timeout.hasSubscribers) return;
    // One that was refused before its wait began has no deadline yet.
    const waited = deadline === Infinity ? 0 : Math.max(0, timeout - (deadline - this.clock.now()));
    lockingChannels.timeout.publish({ ...this.subject(keys, options), timeout, waited, reason: error.reason });
  }

  private subject(keys: readonly string[], { keyTemplate }: CallOptions): LockSubject {
    const { application, provider } = this.origin;
    // A copy: the lock goes by its own.
    return { application, provider, keys: Object.freeze([...keys]), keyTemplate };
  }
}

function outcomeOf(error: unknown, { timeout }: CallOptions): Exclude<AcquireOutcome, 'acquired'> {
  if (error instanceof LockBackendError) return error.reason;
  if (!(error instanceof LockTimeoutError)) return 'cancelled';
  if (error.reason !== 'held') return error.reason;
  return timeout === 0 ? 'busy' : 'timeout';
}
