import type { ResolvesWith } from '../../decorators/call-results.js';
import { injectLockingService, lockingServiceOf } from '../../decorators/inject-locking-service.js';
import type { TakesKeyArguments } from '../../decorators/key-arguments.js';
import { compileMethodKey, type LockKeyFunction } from '../../decorators/method-key.js';
import { wrapMethod } from '../../decorators/wrap-method.js';
import { asKeyTemplate } from '../../engine/options/call-options.js';
import { withLabel } from '../../engine/options/lock-names.js';
import { checkSingletonOptions } from './check-singleton-options.js';
import { noteMethodCall } from './method-calls.js';
import type { SingletonOptions } from './singleton-options.interface.js';

/**
 * The decorator that `@Singleton` makes: for a method that is called with at least `Args` and returns a Promise, which may
 * be one of `undefined`.
 */
type SingletonDecorator<Args extends unknown[]> = <Decorated extends (...args: never[]) => Promise<unknown>>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Decorated> &
    TakesKeyArguments<Decorated, Args> &
    ResolvesWith<Decorated, undefined>,
) => void;

/**
 * Runs a method once at a time per key, across every instance of the application that shares the store. A call that
 * comes meanwhile does not wait: it is skipped and resolves with `undefined`; or, with `join: true` and in the same
 * process, shares what the run comes to. The compiler demands a method that may resolve with `undefined`.
 *
 * The key is a template or a function of the arguments, as of `@WithLock`, and shares its lock space. Inside the method
 * `LockingService.current()` is the lock. It works wherever `@WithLock` does. An override that calls `super` runs both
 * bodies as one run, if both name the same key.
 *
 * @param options - those of `LockingService.singleton`
 * @throws LockKeyError at decoration for a malformed template; at the call for a placeholder without a usable value
 * @throws LockConfigurationError at decoration for options that cannot work; at the call for a method that returns an
 * Observable
 * @throws LockLostError at the call, when the lock was lost while the method ran
 *
 * @example
 * \@Singleton('daily-cleanup')
 * async cleanUp(): Promise<void> { … }
 *
 * \@Singleton('report:<0>', { join: true })
 * async report(year: number): Promise<Report | undefined> { … }
 */
export function Singleton(key: string, options?: SingletonOptions): SingletonDecorator<unknown[]>;
export function Singleton<Args extends unknown[]>(
  key: LockKeyFunction<Args>,
  options?: SingletonOptions,
): SingletonDecorator<[...Args, ...unknown[]]>;
export function Singleton(
  key: string | LockKeyFunction<never[]>,
  options: SingletonOptions = {},
): (target: object, propertyKey?: string | symbol, descriptor?: PropertyDescriptor) => void {
  const keysOf = compileMethodKey(key);
  checkSingletonOptions(options);
  return (target, propertyKey, descriptor) => {
    wrapMethod('@Singleton', propertyKey, target, descriptor, (original, name) => {
      injectLockingService(target);
      const method = `${target.constructor.name}.${String(name)}`;
      const template = options.keyTemplate ?? asKeyTemplate(typeof key === 'string' ? key : method);
      const called = withLabel({ ...options, keyTemplate: template }, method);
      return async function (...args) {
        const locking = lockingServiceOf(this, '@Singleton');
        const job = (): unknown => original.apply(this, args);
        noteMethodCall(job, { self: this, name, body: original });
        return locking.singleton(keysOf(this, args), job, called);
      };
    });
  };
}
