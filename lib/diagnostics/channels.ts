import { channel, tracingChannel } from 'node:diagnostics_channel';
import type {
  AcquireMessage,
  HoldMessage,
  JobPutBackMessage,
  LeaderMessage,
  LossMessage,
  StoreMessage,
  TickMessage,
  TimeoutMessage,
  WakeUpsMessage,
} from './messages.interface.js';

/** A `Channel` of `node:diagnostics_channel` whose messages have a type. */
export interface LockingChannel<Message> {
  /** Its name, by which any code finds it: `channel(name)` of `node:diagnostics_channel`. */
  readonly name: string | symbol;

  /** Whether anything listens. */
  readonly hasSubscribers: boolean;

  /** Tells `listener` of every message from now on. */
  subscribe(listener: (message: Message, name: string | symbol) => void): void;

  /** Ends that; returns whether `listener` was subscribed. */
  unsubscribe(listener: (message: Message, name: string | symbol) => void): boolean;

  /** @internal Called by this package only. */
  publish(message: Message): void;
}

/** What listens to a {@link LockingTracingChannel}: any of the five events, each with the same object. */
export interface LockingTraceSubscribers<Message> {
  /** It begins, in the async context of the caller. */
  start?: ((message: Message) => void) | undefined;

  /** The call has returned a Promise. */
  end?: ((message: Message) => void) | undefined;

  /** The outcome is known. */
  asyncStart?: ((message: Message) => void) | undefined;

  /** It is over, and the message is complete. */
  asyncEnd?: ((message: Message) => void) | undefined;

  /** It failed; comes before `asyncStart`. */
  error?: ((message: Message) => void) | undefined;
}

/** A `TracingChannel` of `node:diagnostics_channel` whose messages have a type. */
export interface LockingTracingChannel<Message> {
  /** Whether anything listens. */
  readonly hasSubscribers: boolean;

  /** Tells `subscribers` of everything from now on. */
  subscribe(subscribers: LockingTraceSubscribers<Message>): void;

  /** Ends that, for the same object. */
  unsubscribe(subscribers: LockingTraceSubscribers<Message>): void;

  /** @internal Called by this package only. */
  readonly start: Pick<LockingChannel<Message>, 'publish'>;
  /** @internal */
  readonly end: Pick<LockingChannel<Message>, 'publish'>;
  /** @internal */
  readonly asyncStart: Pick<LockingChannel<Message>, 'publish'>;
  /** @internal */
  readonly asyncEnd: Pick<LockingChannel<Message>, 'publish'>;
  /** @internal */
  readonly error: Pick<LockingChannel<Message>, 'publish'>;
}

const tracing = <Message>(name: string): LockingTracingChannel<Message> =>
  tracingChannel(`nestjs-locking:${name}`) as unknown as LockingTracingChannel<Message>;

const plain = <Message>(name: string): LockingChannel<Message> =>
  channel(`nestjs-locking:${name}`) as unknown as LockingChannel<Message>;

/**
 * The diagnostics channels of this package, with types. All applications of a process share them, and so does every
 * copy of the package; each message names its `application`. A subscriber is called synchronously, in the middle of the
 * work it is told of: it must not throw, block, or call the `LockingService`. For applications there is `LockEvents`.
 *
 * @example
 * lockingChannels.acquire.subscribe({
 *   asyncEnd: ({ keyTemplate, outcome, waited = 0 }) => histogram.record(waited / 1000, { keyTemplate, outcome }),
 * });
 */
export const lockingChannels = Object.freeze({
  /** `nestjs-locking:acquire`, a tracing channel: from the call for a lock to its grant or refusal. */
  acquire: tracing<AcquireMessage>('acquire'),
  /** `nestjs-locking:hold`, a tracing channel: from the grant to the release or loss. */
  hold: tracing<HoldMessage>('hold'),
  /** `nestjs-locking:store`, a tracing channel: a call to the store. */
  store: tracing<StoreMessage>('store'),
  /** `nestjs-locking:timeout`: a call that was prepared to wait ended without the lock. */
  timeout: plain<TimeoutMessage>('timeout'),
  /** `nestjs-locking:lost`: a lock ended before its release, and this process does not know of an operator who revoked it. */
  lost: plain<LossMessage>('lost'),
  /** `nestjs-locking:revoked`: an operator revoked a lock of this process. */
  revoked: plain<LossMessage>('revoked'),
  /** `nestjs-locking:leader`: this instance began or ended to lead. */
  leader: plain<LeaderMessage>('leader'),
  /** `nestjs-locking:tick`: what became of a tick of a scheduled job. */
  tick: plain<TickMessage>('tick'),
  /** `nestjs-locking:job-put-back`: a BullMQ job was put back. */
  jobPutBack: plain<JobPutBackMessage>('job-put-back'),
  /** `nestjs-locking:wake-ups`: the store stopped telling this process of grants, or does so again. */
  wakeUps: plain<WakeUpsMessage>('wake-ups'),
});
