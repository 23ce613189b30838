import type { LockKeyFunction } from '../../decorators/method-key.js';
import { injectOnce } from '../../decorators/inject-once.js';
import { compileMethodKey } from '../../decorators/method-key.js';
import type { Method } from '../../decorators/wrap-method.js';
import { LockConfigurationError, LockKeyError } from '../../errors/index.js';
import type { IdempotencyOptions } from './idempotency.interface.js';
import { fingerprintNotFunction, notInjected, oneKey } from './idempotency.messages.js';
import { IdempotencyService } from './idempotency.service.js';
import { readIdempotencyOptions } from './read-idempotency-options.js';

/** Options of `@Idempotent` with a key, on a method that the application or a transport of messages calls. */
export interface IdempotentMethodOptions<Args extends unknown[] = never[]> extends Omit<IdempotencyOptions, 'signal'> {
  /**
   * What a repetition has in common with the first call: JSON, or bytes, made of the arguments.
   *
   * @defaultValue the arguments, without functions, signals, sockets and the contexts of transports
   */
  fingerprint?: ((...args: Args) => unknown) | undefined;
}

/** Where instances have the service. Nest names it where it cannot be injected, so it says what to do. */
const IDEMPOTENCY_SERVICE = Symbol(
  'IdempotencyService, which @Idempotent needs: import LockingModule.forRoot() into the root module',
);

/**
 * The wrapper of a method that runs once per key.
 *
 * @throws LockConfigurationError, LockKeyError for options and templates that cannot work
 */
export function idempotentMethod(
  key: string | LockKeyFunction<never[]>,
  { fingerprint, ...options }: IdempotentMethodOptions,
): (target: object, original: Method, name: string | symbol) => Method {
  const keysOf = compileMethodKey(key);
  const fixed = Object.freeze({ ...options });
  readIdempotencyOptions(fixed);
  if (fingerprint !== undefined && typeof fingerprint !== 'function') {
    throw new LockConfigurationError(fingerprintNotFunction());
  }
  return (target, original, name) => {
    injectOnce(target, IdempotencyService, IDEMPOTENCY_SERVICE);
    const label = `${target.constructor.name}.${String(name)}`;
    return async function (...args) {
      const service = (this as { [IDEMPOTENCY_SERVICE]?: IdempotencyService } | undefined)?.[IDEMPOTENCY_SERVICE];
      if (!service) throw new LockConfigurationError(notInjected(label));
      const keys = keysOf(this, args);
      const [only = '', ...others] = typeof keys === 'string' ? [keys] : keys;
      if (others.length > 0 || only === '') throw new LockKeyError(oneKey(label, others.length + 1));
      const payload = fingerprint ? fingerprint.apply(this, args as never[]) : args.filter(isPayload);
      return service.run(only, payload, () => original.apply(this, args), fixed);
    };
  };
}

/** Nest hands its contexts and sockets to handlers of messages beside the payload; these differ from call to call. */
function isPayload(argument: unknown): boolean {
  if (typeof argument === 'function') return false;
  if (typeof argument !== 'object' || argument === null) return true;
  const marks = ['getArgByIndex', 'emit', 'addEventListener'] as const;
  return !marks.some((mark) => typeof (argument as Record<string, unknown>)[mark] === 'function');
}
