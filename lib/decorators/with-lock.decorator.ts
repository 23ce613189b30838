import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { from, isObservable, mergeMap, of, type Observable } from 'rxjs';
import { withLabel } from '../engine/options/lock-names.js';
import { isLockTimeoutError, LockConfigurationError } from '../errors/index.js';
import type { Lock } from '../interfaces/index.js';
import { calledBy, checkOptions, type CheckedOptions } from './check-options.js';
import { observableNotBoolean, undeclaredObservable } from './decorators.messages.js';
import type { TakesKeyArguments } from './key-arguments.js';
import { compileMethodKey, type KeysOf, type LockKeyFunction } from './method-key.js';
import { injectLockingService, lockingServiceOf } from './inject-locking-service.js';
import { keepUntilSettled, lockObservable } from './lock-observable.js';
import type { AdmitsUnavailable, AnyResult, Fallback, IsStream } from './call-results.js';
import type { OnUnavailable, WithLockOptions } from './with-lock-options.interface.js';
import { wrapMethod, type Method } from './wrap-method.js';

const logger = new Logger('LockingModule');

/**
 * The decorator that `@WithLock` makes: for a method that answers later, is called with at least `Args`, and may come to
 * what `Unavailable` makes of a call. It infers the method as a whole, for the sake of generic ones.
 */
type LockDecorator<Args extends unknown[], Unavailable, Stream> = <
  Decorated extends (...args: never[]) => Promise<unknown> | Observable<unknown>,
>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Decorated> &
    TakesKeyArguments<Decorated, Args> &
    AdmitsUnavailable<Decorated, Unavailable> &
    IsStream<Decorated, Stream>,
) => void;

/**
 * Runs a method one at a time per key, across every instance of the application that shares the store.
 *
 * The key is a template, or a function of the method's arguments:
 *
 * - `'order:<0>'`: the first argument; `'order:<0.customer.id>'`: a nested value; `'job:<this.name>'`: a property of
 *   the instance; `'sku:<0.lines[].sku>'`: one key per element, all of them locked at once; `<<`: a literal `<`.
 * - `(dto: PayDto) => 'pay:' + dto.id`: typed by the decorated method.
 *
 * It works on providers of every scope, controllers, resolvers, gateways, `@Cron`, `@MessagePattern` and the like,
 * above or below other decorators. A method that returns an Observable holds the lock until that completes, fails or
 * is unsubscribed from; where the compiler does not emit that type, say so by `observable: true`.
 *
 * @param options - those of `LockingService.execute`, `onUnavailable`, and `observable`
 * @throws LockKeyError at decoration for a malformed template; at the call for a placeholder without a usable value
 * @throws LockConfigurationError at decoration for options that cannot work, and for generators, of whose body a call
 * runs nothing; at the call for a method that returns a generator
 * @throws LockTimeoutError at the call, when the lock cannot be had in time and `onUnavailable` is `'throw'`
 * @throws LockLostError at the call, when the lock was lost while the method ran
 *
 * @example
 * \@WithLock('order:<0>', { timeout: '2s', expire: '1m' })
 * async pay(orderId: string): Promise<Receipt> { … }
 *
 * \@Cron('0 3 * * *')
 * \@WithLock('nightly-cleanup', { timeout: 0, onUnavailable: 'skip' })
 * async cleanup(): Promise<void> { … }
 */
export function WithLock<
  Word extends OnUnavailable | undefined = never,
  FallbackArgs extends unknown[] = unknown[],
  Result extends AnyResult = never,
  Stream extends boolean = false,
>(
  key: string,
  options?: WithLockOptions<Word | Fallback<FallbackArgs, Result>, Stream>,
): LockDecorator<unknown[], Word | Fallback<FallbackArgs, Result>, Stream>;
export function WithLock<
  Args extends unknown[],
  Word extends OnUnavailable | undefined = never,
  FallbackArgs extends unknown[] = unknown[],
  Result extends AnyResult = never,
  Stream extends boolean = false,
>(
  key: LockKeyFunction<Args>,
  options?: WithLockOptions<Word | Fallback<FallbackArgs, Result>, Stream>,
): LockDecorator<[...Args, ...unknown[]], Word | Fallback<FallbackArgs, Result>, Stream>;
export function WithLock(
  key: string | LockKeyFunction<never[]>,
  { observable = false, ...options }: WithLockOptions<OnUnavailable, boolean> = {},
): (target: object, propertyKey?: string | symbol, descriptor?: PropertyDescriptor) => void {
  const keysOf = compileMethodKey(key);
  const checked = checkOptions(options);
  if (typeof (observable as unknown) !== 'boolean') {
    throw new LockConfigurationError(observableNotBoolean('@WithLock'));
  }
  return (target, propertyKey, descriptor) => {
    wrapMethod('@WithLock', propertyKey, target, descriptor, (original, name) => {
      injectLockingService(target);
      const label = `${target.constructor.name}.${String(name)}`;
      const called = calledBy(checked, typeof key === 'string' ? key : label);
      const named = { ...called, execute: withLabel(called.execute, label) };
      if (observable || returnsObservable(target, name)) return lockStream(original, keysOf, named);
      return lockCall(original, keysOf, named, label);
    });
  };
}

/** Known only where the compiler emits types for decorators; `observable: true` is for where it does not. */
function returnsObservable(target: object, propertyKey: string | symbol): boolean {
  const type: unknown = Reflect.getMetadata('design:returntype', target, propertyKey);
  if (typeof type !== 'function') return false;
  // Told by its methods, as an application may have loaded two copies of rxjs.
  const methods = (type.prototype ?? {}) as Record<string, unknown>;
  return typeof methods.subscribe === 'function' && typeof methods.pipe === 'function';
}

/** @param label - the method, for messages */
function lockCall(original: Method, keysOf: KeysOf, { execute, onUnavailable }: CheckedOptions, label: string): Method {
  let warned = false;
  // No async functions: where an `AsyncLocalStorage` is in use, each promise is told of all of them.
  /* eslint-disable @typescript-eslint/promise-function-async */
  return function (...args) {
    return new Promise((resolve, reject) => {
      let entered = false;
      const keep = (source: Observable<unknown>, lock: Lock, isUndeclared: boolean): Promise<unknown> => {
        if (isUndeclared && !warned) {
          warned = true;
          logger.warn(undeclaredObservable('@WithLock', label));
        }
        const { observable, done } = keepUntilSettled(source, lock, async () => run, { label, isUndeclared });
        resolve(observable);
        return done;
      };
      const job = (lock: Lock): unknown => {
        entered = true;
        const returned = original.apply(this, args);
        if (returned === null || (typeof returned !== 'object' && typeof returned !== 'function')) return returned;
        if (isObservable(returned)) return keep(returned, lock, true);
        // A method that returned a Promise of it has callers that expect one.
        return Promise.resolve(returned).then((result) => (isObservable(result) ? keep(result, lock, false) : result));
      };
      const run = lockingServiceOf(this, '@WithLock').execute(keysOf(this, args), job, execute);
      run.then(resolve, (error: unknown) => {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is what was thrown
        if (entered || onUnavailable === 'throw' || !isLockTimeoutError(error)) reject(error);
        else if (onUnavailable === 'skip') resolve(undefined);
        else resolve(Promise.resolve().then(() => onUnavailable.apply(this, [error, ...(args as never[])])));
      });
    });
  };
  /* eslint-enable @typescript-eslint/promise-function-async */
}

function lockStream(original: Method, keysOf: KeysOf, { execute, onUnavailable }: CheckedOptions): Method {
  return function (...args) {
    return lockObservable(
      async (job, { signal }) =>
        lockingServiceOf(this, '@WithLock').execute(keysOf(this, args), job, { ...execute, signal }),
      () => toObservable(original.apply(this, args)),
      execute.signal,
      (error) => {
        if (onUnavailable === 'throw' || !isLockTimeoutError(error)) throw error;
        if (onUnavailable === 'skip') return from([]);
        return toObservable(onUnavailable.apply(this, [error, ...(args as never[])]));
      },
    );
  };
}

/** A decorator below may have made a Promise of the Observable. */
function toObservable(result: unknown): Observable<unknown> {
  if (isObservable(result)) return result;
  if (!(result instanceof Promise)) return of(result);
  return from(result).pipe(mergeMap((value: unknown) => (isObservable(value) ? value : of(value))));
}
