import type { Job } from 'bullmq';
import type { Duration } from '../../interfaces/index.js';

/** Names the keys of a job: a template over the arguments of the processor, or a function of the job. */
export type LockJobKey<J extends Job = Job> = string | ((job: J) => string | readonly string[]);

/** Options of `@LockJob` and of `lockedProcessor`. */
export interface LockJobOptions<J extends Job = Job, Self = unknown> {
  /** The id of the provider whose locks are used; the default provider without it. */
  provider?: string | undefined;

  /**
   * The lease: how long the keys stay locked if the worker dies. It is renewed while the job runs. A number is seconds.
   *
   * @defaultValue the provider's `expire`, 30 s
   */
  expire?: Duration | undefined;

  /**
   * What the lock is called in metrics, traces and events: one text for all keys of a kind, never with an id in it.
   *
   * @defaultValue the template, or the class and method where the key is a function
   */
  keyTemplate?: string | undefined;

  /** The longest the lock is renewed for; then the job's signal aborts and the job fails. A number is seconds. */
  maxHold?: Duration | undefined;

  /**
   * How long to wait for the keys before the job is put back. The worker's slot is taken meanwhile. A number is seconds.
   *
   * @defaultValue 0, put it back at once
   */
  timeout?: Duration | undefined;

  /**
   * When a job that was put back is tried again at the latest. A job with one key is woken earlier, in its turn, when that
   * key is released. A `Duration` gets up to a fifth on top at random, so that jobs that wait for one key do not come all
   * at once. A function is asked for each time, and what it returns is taken as it is: **milliseconds**, as in BullMQ's
   * own backoff strategies, or a text with a unit. `job.attemptsStarted` tells it how often the job has been tried.
   *
   * @defaultValue '30s' where the job is woken when its key is released; '1s' for a job of several keys, one that is not
   * `ready`, and while the store is down
   */
  retryDelay?: Duration | ((job: J) => Duration) | undefined;

  /**
   * Asked under the lock, before the job is run: with `false` the lock is released and the job put back. That is how an
   * order is kept: "not before its predecessor is done". What it throws fails the job.
   *
   * @param processor - the instance whose method is decorated; `undefined` for `lockedProcessor`
   */
  ready?: ((job: J, processor: Self) => boolean | Promise<boolean>) | undefined;

  /**
   * What becomes of a job when the store of the locks cannot be asked. It was not run, whichever it is. `'delay'`: it is
   * put back, uses up no attempt, and waits until the store is there again; a warning is logged. `'fail'`: it fails
   * with the `LockBackendError`, which uses up an attempt; with BullMQ's default of one attempt, for good.
   *
   * @defaultValue 'delay'
   */
  onStoreDown?: 'delay' | 'fail' | undefined;
}
