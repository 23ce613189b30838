import type { CircuitOpenError } from '../../errors/index.js';
import type { Duration, ProviderChoice } from '../../interfaces/index.js';

/**
 * What a circuit lets through. `'closed'`: every call. `'open'`: none. `'half-open'`: one, the probe, by which it closes
 * or opens again.
 */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** When a circuit opens and closes. All who name the same circuit in a process give the same options. */
export interface CircuitBreakerOptions extends ProviderChoice {
  /**
   * The share of failures among the calls of the `window`, above 0 and at most 1, at which an instance opens the circuit
   * for itself.
   *
   * @defaultValue 0.5
   */
  failureRatio?: number | undefined;

  /**
   * With fewer calls in the `window` than this, an instance does not judge. It counts its own calls only.
   *
   * @defaultValue 10
   */
  minimumCalls?: number | undefined;

  /**
   * For how long an instance counts a call, 100 ms at least. A number is seconds.
   *
   * @defaultValue '30s'
   */
  window?: Duration | undefined;

  /**
   * How long the circuit stays open until a call is let through as a probe. A number is seconds.
   *
   * @defaultValue '30s'
   */
  openFor?: Duration | undefined;

  /**
   * How many instances must have opened the circuit for themselves before it opens for all, 1 to 100. With `1`, one
   * instance with a broken network opens it for all.
   *
   * @defaultValue 2
   */
  minInstances?: number | undefined;

  /**
   * A probe that has not ended by then counts as failed; the call itself goes on. A number is seconds.
   *
   * @defaultValue '30s'
   */
  probeTimeout?: Duration | undefined;
}

/** Options of a call through a circuit. */
export interface CircuitBreakerCallOptions extends CircuitBreakerOptions {
  /**
   * Whether an error says that the service is in trouble. Where it returns `false`, the call counts as a success: the
   * service has answered. Errors of this package (a busy lock, another open circuit) never count.
   *
   * @defaultValue every error is a failure
   */
  isFailure?: ((error: unknown) => boolean) | undefined;
}

/**
 * Options of `@WithCircuitBreaker`.
 *
 * @typeParam Fallback - the type of `fallback`, which the compiler checks against the method
 */
export interface WithCircuitBreakerOptions<
  Fallback = (error: CircuitOpenError, ...args: never[]) => unknown,
> extends CircuitBreakerCallOptions {
  /**
   * What a call comes to that the circuit does not let through: what this returns for the error and the arguments of the
   * call. Errors of the method itself are passed on.
   *
   * @defaultValue the call rejects with `CircuitOpenError`
   */
  fallback?: Fallback | undefined;
}

/** Options of `CircuitBreakerState.setState`. */
export interface SetCircuitStateOptions extends CircuitBreakerOptions {
  /**
   * With `'open'`: for how long; `null` until the next `setState`. A number is seconds.
   *
   * @defaultValue the `openFor` of the circuit
   */
  for?: Duration | null | undefined;
}

/** A circuit, as one instance sees it. */
export interface CircuitBreakerInfo {
  readonly name: string;

  readonly state: CircuitState;

  /** The state concerns all instances, or only this one, which has opened the circuit for itself. */
  readonly scope: 'shared' | 'instance';

  /** After how many seconds a call may be let through; 0 now, `Infinity` where an operator holds the circuit open. */
  readonly retryAfter: number;

  /** How many calls of this instance ended within the `window`. */
  readonly calls: number;

  /** How many of them failed. */
  readonly failures: number;

  /** How many instances have opened the circuit for themselves alone. */
  readonly instances: number;

  /** Whether the store has answered; if not, this is what the instance knows by itself. */
  readonly storeReached: boolean;
}

/** A change of a circuit, as one instance sees it. Changes in quick succession may be told as one. */
export interface CircuitBreakerChange extends Pick<CircuitBreakerInfo, 'name' | 'state' | 'scope' | 'retryAfter'> {
  /** The state before. */
  readonly previous: CircuitState;
}
