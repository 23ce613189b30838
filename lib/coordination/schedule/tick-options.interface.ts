import type { Duration } from '../../interfaces/index.js';

/**
 * What `@LockedCron`, `@LockedInterval` and `OncePerTick` have in common. Every instance of the application has to name
 * the same values.
 */
export interface TickOptions {
  /** The id of the lock provider to use; the default provider without it. */
  provider?: string | undefined;

  /**
   * The lease: so long after an instance died in the middle of a run another one may take the tick over. It is renewed
   * while the method runs, which may thus take longer. A number is seconds.
   *
   * @defaultValue '30s'
   */
  expire?: Duration | undefined;

  /**
   * How far the clocks of the instances may be apart, and how late after its tick a timer may fire: an instance that
   * comes later than this does not run the tick. (A tick of `@LockedInterval` may be run until its window ends.) A number
   * is seconds.
   *
   * @defaultValue '30s'
   */
  clockSkew?: Duration | undefined;

  /**
   * Whether the other instances wait while one of them runs a tick, so that one of them runs it again if that one
   * dies or loses its lock.
   *
   * @defaultValue true
   */
  takeOver?: boolean | undefined;

  /**
   * Whether a tick may begin while an earlier one is still running, somewhere. With `false` it is left out then.
   *
   * @defaultValue false
   */
  allowOverlap?: boolean | undefined;

  /**
   * The longest that a run can keep later ticks from running: `signal` aborts then, and the next tick runs although
   * this one has not ended. A number is seconds. Not together with `allowOverlap`, where there is nothing to be kept
   * from.
   *
   * @defaultValue for as long as it runs
   */
  maxHold?: Duration | undefined;
}
