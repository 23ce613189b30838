/** Which locks a message is about: those of one provider of one application. */
export interface LockOrigin {
  /** A random id of the application: several Nest applications may share a process, and the channels with it. */
  readonly application: string;

  /** The id of the provider. */
  readonly provider: string;
}

/** What every message about a lock says. */
export interface LockSubject extends LockOrigin {
  /** The keys, without the namespace. They may carry ids of your users: never make metric labels of them. */
  readonly keys: readonly string[];

  /** What the lock is called in metrics: the template of the decorator, or the `keyTemplate` of the call. */
  readonly keyTemplate: string | undefined;
}

/** How a wait for a lock ended. */
export type AcquireOutcome =
  /** The lock was granted. */
  | 'acquired'
  /** Refused at once: the call has `timeout: 0`, and another holder has a key. */
  | 'busy'
  /** Another holder had a key for as long as the call was prepared to wait. */
  | 'timeout'
  /** Refused at once: `maxWaiters` callers wait already. */
  | 'queue-full'
  /** Refused at once: the call would have waited for itself. */
  | 'deadlock'
  /** The caller gave up: its `signal` aborted. */
  | 'cancelled'
  /** The store could not be asked. */
  | 'store'
  /** The application is shutting down. */
  | 'shutdown';

/** The message of the channel `nestjs-locking:acquire`: one object from `start` to `asyncEnd`. */
export interface AcquireMessage extends LockSubject {
  /** How long the call is prepared to wait, in milliseconds. */
  readonly timeout: number;

  /** From the end on: how the wait ended. */
  outcome?: AcquireOutcome;

  /** From the end on: how long the call waited, in milliseconds. */
  waited?: number;

  /** Once granted: the owner of the lock. */
  ownerId?: string;

  /** Once granted: the greatest fencing token of its keys. */
  fencingToken?: number;

  /** Where the lock was not granted: the error of the call, or the reason of its signal. */
  error?: unknown;
}

/** How the hold of a lock ended before its release. */
export type LossReason =
  /** The lease ran out: it was not renewed in time, or was not to be renewed. */
  | 'expired'
  /** The store does not have the lock any more. */
  | 'gone'
  /** The store has granted the key to another owner. */
  | 'taken-over'
  /** An operator revoked it, in this process or in one that the store told this process of; otherwise it is `'gone'`. */
  | 'revoked'
  /** The application ended while the lock was held, and released it. */
  | 'shutdown';

/** The message of the channel `nestjs-locking:hold`: one object from `start` (granted) to `asyncEnd` (released or lost). */
export interface HoldMessage extends LockSubject {
  /** The owner of the lock. */
  readonly ownerId: string;

  /** The greatest fencing token of the keys. */
  readonly fencingToken: number;

  /** The wait that the lock was granted to: the very object of the channel `nestjs-locking:acquire`. */
  readonly wait: Readonly<AcquireMessage>;

  /** From the end on: `released`, by its holder or by key; otherwise how it was lost. */
  outcome?: 'released' | LossReason;

  /** From the end on: how long the lock was held, in milliseconds. */
  held?: number;

  /** The `LockLostError`, where the lock was lost. */
  error?: unknown;
}

/** The message of the channel `nestjs-locking:store`: one call to the store, with the requests that travel together. */
export interface StoreMessage extends LockOrigin {
  /** The operation: `acquire`, `extend`, `release`, `revoke`, `inspect`, `list`, … */
  readonly operation: string;

  /** How many requests travel together. */
  readonly requests: number;

  /** From the end on: how long the call took, in milliseconds. */
  duration?: number;

  /** From the end on: how many of the requests failed. */
  failed?: number;

  /** The first failure. */
  error?: unknown;
}

/** The message of the channel `nestjs-locking:timeout`: a call that was prepared to wait ended without the lock. */
export interface TimeoutMessage extends LockSubject {
  /** How long the call was prepared to wait, in milliseconds. */
  readonly timeout: number;

  /** How long it waited, in milliseconds. */
  readonly waited: number;

  /** As in `LockTimeoutError`. */
  readonly reason: 'held' | 'queue-full' | 'deadlock';
}

/** The message of the channels `nestjs-locking:lost` and `nestjs-locking:revoked`: a lock ended before its release. */
export interface LossMessage extends LockSubject {
  /** The owner of the lock. */
  readonly ownerId: string;

  /** The greatest fencing token of the keys. */
  readonly fencingToken: number;

  /** How it ended: always `'revoked'` on the channel of that name. */
  readonly reason: LossReason;

  /** What its holder is told: a `LockLostError`. */
  readonly error: unknown;
}

/** The message of the channel `nestjs-locking:leader`: this instance began or ended to lead. */
export interface LeaderMessage extends LockOrigin {
  /** The name of the election. */
  readonly election: string;

  /** This instance. */
  readonly instanceId: string;

  /** What this instance is from now on. */
  readonly role: 'leader' | 'follower';

  /** The fencing token of the term that begins or has ended. */
  readonly fencingToken: number;

  /** Where the leadership was lost, not given up: the `LockLostError`. */
  readonly error: unknown;
}

/** What became of a tick of a scheduled job in this instance. */
export type TickOutcome =
  /** It ran here. */
  | 'ran'
  /** It ran here and failed. */
  | 'failed'
  /** Another instance runs it, or has run it. */
  | 'elsewhere'
  /** Skipped everywhere: an earlier tick of the job still runs. */
  | 'overlap'
  /** Not begun: its time was over, as the process was blocked or asleep. */
  | 'late'
  /** Not begun: the store could not be asked. */
  | 'store';

/** The message of the channel `nestjs-locking:tick`: a tick of `@LockedCron`, `@LockedInterval` or `OncePerTick`. */
export interface TickMessage extends LockOrigin {
  /** The kind of the job. */
  readonly kind: 'cron' | 'interval';

  /** The name of the job. */
  readonly name: string;

  /** When the tick was due. */
  readonly at: Date;

  /** What became of it in this instance. */
  readonly outcome: TickOutcome;

  /** Whether this instance took it over from one that had died. */
  readonly takenOver: boolean;

  /** What the job failed with, or the store. */
  readonly error: unknown;
}

/** The message of the channel `nestjs-locking:job-put-back`: a BullMQ job was put back, to be tried again later. */
export interface JobPutBackMessage extends LockOrigin {
  /** The name of the queue. */
  readonly queue: string;

  /** The id of the job in its queue. */
  readonly jobId: string | undefined;

  /** The name of the job. */
  readonly jobName: string;

  /** The keys that the job locks. */
  readonly keys: readonly string[];

  /** What the lock is called in metrics: the template of the decorator. */
  readonly keyTemplate: string | undefined;

  /** `'key-taken'`: another job has a key. `'not-ready'`: `ready` said no, the lock was lost before, or the store is down. */
  readonly reason: 'key-taken' | 'not-ready';

  /** In how many milliseconds the job is tried again, at the latest. */
  readonly delay: number;

  /** `'gone'`: it is another worker's by now. `'refused'`: the queue did not take it, and will find it stalled. */
  readonly outcome: 'delayed' | 'gone' | 'refused';
}

/** The message of the channel `nestjs-locking:wake-ups`: the store stopped telling this process of grants, or does so again. */
export interface WakeUpsMessage extends LockOrigin {
  /** While they are interrupted, waiters poll: about once a second and key. */
  readonly status: 'interrupted' | 'restored';
}
