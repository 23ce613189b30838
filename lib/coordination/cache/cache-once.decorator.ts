import { injectOnce } from '../../decorators/inject-once.js';
import type { TakesKeyArguments } from '../../decorators/key-arguments.js';
import { compileMethodKey, type LockKeyFunction } from '../../decorators/method-key.js';
import { wrapMethod } from '../../decorators/wrap-method.js';
import { LockConfigurationError } from '../../errors/index.js';
import { CacheFlight } from './cache-flight.js';
import type { CacheLoadOptions } from './cache-options.interface.js';
import { notInjected, severalKeys } from './cache.messages.js';
import { readLoadOptions } from './read-cache-options.js';

/** Nest shows this text when it cannot inject the property. */
const CACHE_FLIGHT = Symbol(
  'CacheFlight, which @CacheOnce needs: import CacheFlightModule.forRoot() into the root module',
);

/** The decorator that `@CacheOnce` makes: for a method that is called with at least `Args` and returns a Promise. */
type CacheDecorator<Args extends unknown[]> = <Decorated extends (...args: never[]) => Promise<unknown>>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Decorated> & TakesKeyArguments<Decorated, Args>,
) => void;

/**
 * Keeps what a method returns in the cache, and runs it once over all processes when there is nothing to serve: it is the
 * `load` of `CacheFlight.getOrSet`. The key is a template or a function of the arguments, as of `@WithLock`, and names one key;
 * `CacheFlight.delete` takes the same. Name every argument in it that the result depends on, and the user whose data it is.
 *
 * @param options - those of `CacheFlight.getOrSet`
 * @throws LockKeyError at decoration for a malformed template; at the call for a placeholder without a usable value
 * @throws LockConfigurationError at decoration for options that cannot work
 *
 * @example
 * \@CacheOnce('report:<0>', { ttl: '1m', staleFor: '10m', beta: 1 })
 * async report(year: number): Promise<Report> { … }
 */
export function CacheOnce(key: string, options?: CacheLoadOptions): CacheDecorator<unknown[]>;
export function CacheOnce<Args extends unknown[]>(
  key: LockKeyFunction<Args>,
  options?: CacheLoadOptions,
): CacheDecorator<[...Args, ...unknown[]]>;
export function CacheOnce(
  key: string | LockKeyFunction<never[]>,
  options: CacheLoadOptions = {},
): (target: object, propertyKey?: string | symbol, descriptor?: PropertyDescriptor) => void {
  const keysOf = compileMethodKey(key);
  const fixed = Object.freeze({ ...options });
  // Its ttl may come from the module.
  readLoadOptions(fixed, { ttl: '1s' });
  return (target, propertyKey, descriptor) => {
    wrapMethod('@CacheOnce', propertyKey, target, descriptor, (original) => {
      injectOnce(target, CacheFlight, CACHE_FLIGHT);
      return async function (...args) {
        const cache = (this as { [CACHE_FLIGHT]?: CacheFlight } | undefined)?.[CACHE_FLIGHT];
        if (!cache) throw new LockConfigurationError(notInjected());
        const keys = [keysOf(this, args)].flat();
        const [only = ''] = keys;
        if (keys.length > 1) throw new LockConfigurationError(severalKeys(keys.length));
        return cache.getOrSet(only, () => original.apply(this, args), fixed);
      };
    });
  };
}
