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
} from '../../diagnostics/messages.interface.js';

/** What each kind of {@link LockEvent} says, by its `type`. */
export interface LockEventMessages {
  /** A call waits for a lock from now on. */
  waiting: AcquireMessage;
  /** A wait has ended: with the lock or, as its `outcome` and `error` say, without. */
  waited: AcquireMessage;
  /** A lock is held from now on. */
  held: HoldMessage;
  /** A hold has ended: by its release or, as its `outcome` says, before. */
  released: HoldMessage;
  /** A call to the store is over. */
  store: StoreMessage;
  /** A call that was prepared to wait ended without the lock. */
  timeout: TimeoutMessage;
  /** A lock ended before its release; an operator may have revoked it elsewhere, if this process never had to wait. */
  lost: LossMessage;
  /** An operator revoked a lock of this process. */
  revoked: LossMessage;
  /** This instance began or ended to lead. */
  leader: LeaderMessage;
  /** What became of a tick of a scheduled job in this instance. */
  tick: TickMessage;
  /** A BullMQ job was put back. */
  'job-put-back': JobPutBackMessage;
  /** The store stopped telling this process of grants, or does so again. */
  'wake-ups': WakeUpsMessage;
}

/** The kinds of events. */
export type LockEventType = keyof LockEventMessages;

/** Something that happened to the locks of this application, by its `type`. */
export type LockEvent<Type extends LockEventType = LockEventType> = {
  [Each in Type]: Readonly<LockEventMessages[Each]> & {
    readonly type: Each;
    /** When it happened. */
    readonly time: Date;
  };
}[Type];
