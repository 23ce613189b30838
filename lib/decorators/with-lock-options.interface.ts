import type { LockTimeoutError } from '../errors/index.js';
import type { ExecuteOptions } from '../interfaces/index.js';

/**
 * What a decorated method comes to when its own lock cannot be had in time. `'throw'`: it rejects with the
 * `LockTimeoutError`. `'skip'`: it resolves with `undefined` (an Observable completes empty). A function: it resolves
 * with what that returns for the error and the arguments of the call.
 */
export type OnUnavailable = 'throw' | 'skip' | ((error: LockTimeoutError, ...args: never[]) => unknown);

/**
 * Options of `@WithLock`: those of `execute`, and what to do when the lock cannot be had.
 *
 * An object that is declared apart needs the type of its `onUnavailable`, as the compiler checks that against the
 * method: `WithLockOptions<'skip'>`. `satisfies WithLockOptions<OnUnavailable>` leaves it as it is.
 *
 * @typeParam Unavailable - the type of `onUnavailable`
 * @typeParam Stream - the type of `observable`
 */
export interface WithLockOptions<Unavailable = 'throw', Stream extends boolean = false> extends ExecuteOptions {
  /**
   * Applies to a `LockTimeoutError` of this very lock only, never to one thrown inside the method. The return type of
   * the method has to admit what it makes of a call: `undefined` for `'skip'` (not of an Observable), the result of the
   * function.
   *
   * @defaultValue 'throw'
   */
  onUnavailable?: Unavailable | undefined;

  /**
   * `true` for a method that returns an Observable whose type the compiler does not emit: esbuild and tsx emit none, the
   * others only where the return type is written down and `Observable` is not imported by `import type`. Without it a
   * call of such a method returns a Promise of the Observable, and the first one logs a warning.
   *
   * @defaultValue false; then the emitted type says whether it is one
   */
  observable?: Stream | undefined;
}
