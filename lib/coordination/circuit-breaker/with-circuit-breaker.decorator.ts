import type { AnyResult, ResolvesWith, TakesArguments } from '../../decorators/call-results.js';
import { injectOnce } from '../../decorators/inject-once.js';
import type { TakesKeyArguments } from '../../decorators/key-arguments.js';
import { compileMethodKey, type LockKeyFunction } from '../../decorators/method-key.js';
import { wrapMethod } from '../../decorators/wrap-method.js';
import { CircuitOpenError, LockConfigurationError, LockKeyError } from '../../errors/index.js';
import type { WithCircuitBreakerOptions } from './circuit-breaker.interface.js';
import { notInjected, severalNames } from './circuit-breaker.messages.js';
import { CircuitBreakerState } from './circuit-breaker-state.js';
import { assertFunction, readCircuitOptions } from './read-circuit-options.js';

/**
 * The decorator that `@WithCircuitBreaker` makes: for a method that returns a Promise, which may resolve with what the
 * fallback returns, and is called with at least `NameArgs` and `Args`.
 */
type CircuitDecorator<NameArgs extends unknown[], Args extends unknown[], Result> = <
  Decorated extends (...args: never[]) => Promise<unknown>,
>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Decorated> &
    TakesKeyArguments<Decorated, NameArgs> &
    TakesArguments<Decorated, Args> &
    ResolvesWith<Decorated, Result>,
) => void;

/** Nest names the property in its error when it cannot be injected, so the description says what to do. */
const CIRCUITS = Symbol(
  'CircuitBreakerState, which @WithCircuitBreaker needs: import LockingModule.forRoot() into the root module',
);

/**
 * Calls of a method end at once with `CircuitOpenError`, or with what `fallback` returns, while too many of them fail. The
 * state is shared by all instances of the application; one of them that fails alone is open for itself only
 * (`minInstances`).
 *
 * The name is a template or a function of the arguments, as the key of `@WithLock`: `'stripe'`, `'psp:<0.region>'`. It
 * works on methods that return a Promise, above or below other decorators, on providers of every scope. A call inside a
 * call of the same circuit, such as that of `super`, is part of that one.
 *
 * @param options - `failureRatio` (0.5), `minimumCalls` (10), `window` ('30s'), `openFor` ('30s'), `minInstances` (2),
 * `probeTimeout` ('30s'), `isFailure`, `fallback`, `provider`
 * @throws LockKeyError at decoration for a malformed template; at the call for a placeholder without a usable value
 * @throws LockConfigurationError at decoration for options that cannot work; at the first call for a circuit that has other
 * options already, or whose provider keeps no records; at the call for a method that returns an Observable
 * @throws CircuitOpenError at the call, when the circuit is open and there is no `fallback`
 *
 * @example
 * \@WithCircuitBreaker('stripe', { failureRatio: 0.5, openFor: '30s', isFailure: (error) => !(error instanceof CardError) })
 * async charge(order: Order): Promise<Receipt> { … }
 *
 * \@WithCircuitBreaker('rates', { fallback: (error, currency: string) => lastRate(currency) })
 * async rate(currency: string): Promise<number> { … }
 */
export function WithCircuitBreaker<Args extends unknown[] = unknown[], Result extends AnyResult = never>(
  name: string,
  options?: WithCircuitBreakerOptions<(error: CircuitOpenError, ...args: Args) => Result>,
): CircuitDecorator<unknown[], Args, Result>;
export function WithCircuitBreaker<
  NameArgs extends unknown[],
  Args extends unknown[] = unknown[],
  Result extends AnyResult = never,
>(
  name: LockKeyFunction<NameArgs>,
  options?: WithCircuitBreakerOptions<(error: CircuitOpenError, ...args: Args) => Result>,
): CircuitDecorator<[...NameArgs, ...unknown[]], Args, Result>;
export function WithCircuitBreaker(
  name: string | LockKeyFunction<never[]>,
  options: WithCircuitBreakerOptions = {},
): (target: object, propertyKey?: string | symbol, descriptor?: PropertyDescriptor) => void {
  const namesOf = compileMethodKey(name);
  const fixed = Object.freeze({ ...options });
  const { fallback } = fixed;
  readCircuitOptions(fixed, ['isFailure', 'fallback']);
  assertFunction(fixed.isFailure, 'isFailure');
  assertFunction(fallback, 'fallback');
  return (target, propertyKey, descriptor) => {
    wrapMethod('@WithCircuitBreaker', propertyKey, target, descriptor, (original, method) => {
      injectOnce(target, CircuitBreakerState, CIRCUITS);
      const label = `@WithCircuitBreaker on ${target.constructor.name}.${String(method)}`;
      return async function (...args) {
        const circuits = (this as { [CIRCUITS]?: CircuitBreakerState } | undefined)?.[CIRCUITS];
        if (!circuits) throw new LockConfigurationError(notInjected('@WithCircuitBreaker'));
        const [circuit = '', ...others] = [namesOf(this, args)].flat();
        if (others.length > 0) throw new LockKeyError(severalNames());
        let entered = false as boolean;
        const job = (): unknown => {
          entered = true;
          return original.apply(this, args);
        };
        try {
          return await circuits.call(circuit, job, fixed, label);
        } catch (error) {
          if (entered || !fallback || !(error instanceof CircuitOpenError)) throw error;
          return fallback.apply(this, [error, ...(args as never[])]);
        }
      };
    });
  };
}
