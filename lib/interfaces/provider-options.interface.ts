import type { Duration } from './duration.interface.js';

/** The options that every provider takes, whatever its store. */
export interface LockingProviderOptions {
  /**
   * How long an acquire waits when the call names no `timeout`. A number is seconds.
   *
   * @defaultValue 5
   */
  waitLockingTimeout?: Duration | undefined;

  /**
   * The first wait before a held key is tried again where no wake-up can be expected: another program holds it, or the
   * connection for wake-ups is not there. A number is **milliseconds**.
   *
   * @defaultValue 20
   */
  defaultRetryInterval?: Duration | undefined;

  /**
   * The longest such wait. A number is **milliseconds**.
   *
   * @defaultValue 1000
   */
  maximumRetryInterval?: Duration | undefined;

  /**
   * By how much that wait grows from one try to the next, with full jitter on top.
   *
   * @defaultValue 2
   */
  backoffFactor?: number | undefined;

  /**
   * The lease when the call names none: how long the keys stay locked if the process dies. A number is seconds.
   *
   * @defaultValue '30s'
   */
  expire?: Duration | undefined;

  /**
   * How long a shutdown waits for the jobs that run under a lock. A number is seconds.
   *
   * @defaultValue '10s'
   */
  drainTimeout?: Duration | undefined;

  /**
   * How many callers of this process may wait for one key at a time. One more is refused at once with a
   * `LockTimeoutError` whose `reason` is `'queue-full'`. Calls with `timeout: 0` never wait, so they are neither counted
   * nor refused; nor are calls that join a lock which is held already. A whole number from 1 on.
   *
   * @defaultValue `Infinity`, no limit
   */
  maxWaiters?: number | undefined;

  /**
   * Whether a store that cannot be reached fails the start of the application.
   *
   * @defaultValue false
   */
  failFast?: boolean | undefined;

  /**
   * After how long a lock that is still waited for, or still held, is warned of in the log, once each. A number is seconds;
   * `false` for never. Elections are left out, as leaders hold for as long as they live.
   *
   * @defaultValue false
   */
  warnAfter?: Duration | false | undefined;
}
