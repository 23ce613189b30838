import 'reflect-metadata';
import { UseFilters, UseInterceptors } from '@nestjs/common';
import type { TakesKeyArguments } from '../../decorators/key-arguments.js';
import type { LockKeyFunction } from '../../decorators/method-key.js';
import { wrapMethod } from '../../decorators/wrap-method.js';
import { LockConfigurationError } from '../../errors/index.js';
import { notingEntry } from './http/entered-handler.js';
import { describeHeader } from './http/describe-header.js';
import { answersByHand, notOnClass, notOnThis } from './http/http.messages.js';
import { IdempotencyInterceptor } from './http/idempotency.interceptor.js';
import type { IdempotentRequestOptions } from './http/idempotent-options.interface.js';
import { attachIdempotentRequest, defineIdempotentRequest } from './http/idempotent-request.definition.js';
import { IdempotencyProblemFilter } from './http/problem.js';
import { idempotentMethod, type IdempotentMethodOptions } from './idempotent-method.js';

/** The numbers of `@Res()` and `@Next()` in Nest's metadata of parameters, which begin with them. */
const BY_HAND = /^[12]:/;

/**
 * The decorator that `@Idempotent` with a key makes: for a method that returns a Promise and is called with at least
 * `Args`.
 */
type IdempotentMethodDecorator<Args extends unknown[]> = <Decorated extends (...args: never[]) => Promise<unknown>>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Decorated> & TakesKeyArguments<Decorated, Args>,
) => void;

/**
 * Handles an HTTP request once per `Idempotency-Key`: a repetition gets the first answer, from every instance of the
 * application, with `Idempotent-Replayed: true`. For one method of a controller, under Express and Fastify.
 *
 * With a key it is for a method that the application calls itself, or for a handler of messages: it runs once per key, and a
 * repetition gets the first result, as of {@link IdempotencyService.run}. The key is a template or a function of the
 * arguments, as of `@WithLock`.
 *
 * @param options - `header`, `required`, `headers`, `principal`; `fingerprint`; and those of {@link IdempotencyService.run}:
 * `ttl`, `wait`, `expire`, `onAbandoned`, `maxSize`, `provider`
 * @throws LockConfigurationError at decoration for options that cannot work, for classes, and for handlers that answer by hand; at
 * the request for `@Sse()` handlers, for a `request.user` without a name, and for a body or a file that cannot be compared
 * @throws LockKeyError at decoration for a malformed template; at the call for a placeholder without a usable value
 * @throws IdempotencyError at the call, when there is no result to give; an HTTP request is answered with a problem
 *
 * @example
 * \@Post('payments')
 * \@Idempotent({ wait: '2s' })
 * async pay(@Body() payment: PaymentDto): Promise<Receipt> { … }
 *
 * \@EventPattern('order.placed')
 * \@Idempotent('order-placed:<0.id>')
 * async placed(order: Order): Promise<void> { … }
 */
export function Idempotent(options?: IdempotentRequestOptions): MethodDecorator;
export function Idempotent(key: string, options?: IdempotentMethodOptions): IdempotentMethodDecorator<unknown[]>;
export function Idempotent<Args extends unknown[]>(
  key: LockKeyFunction<Args>,
  options?: IdempotentMethodOptions<Args>,
): IdempotentMethodDecorator<[...Args, ...unknown[]]>;
export function Idempotent(
  keyOrOptions: string | LockKeyFunction<never[]> | IdempotentRequestOptions = {},
  options: IdempotentMethodOptions = {},
): (target: object, propertyKey: string | symbol, descriptor: PropertyDescriptor) => void {
  if (typeof keyOrOptions === 'object') return idempotentHandler(keyOrOptions);
  const wrap = idempotentMethod(keyOrOptions, options);
  return (target, propertyKey, descriptor) => {
    assertNoClass(target, propertyKey);
    wrapMethod('@Idempotent', propertyKey, target, descriptor, (original, name) => wrap(target, original, name));
  };
}

function idempotentHandler(
  options: IdempotentRequestOptions,
): (target: object, propertyKey: string | symbol, descriptor: PropertyDescriptor) => void {
  const definition = defineIdempotentRequest(options);
  return (target, propertyKey, descriptor) => {
    assertNoClass(target, propertyKey);
    wrapMethod('@Idempotent', propertyKey, target, descriptor, (original, name) => {
      if (answersItself(target, name)) {
        throw new LockConfigurationError(notOnThis(`${target.constructor.name}.${String(name)}`, answersByHand));
      }
      return notingEntry(original);
    });
    const handler = descriptor.value as object;
    attachIdempotentRequest({ ...definition, takesResponse: takesResponse(target, propertyKey) }, handler);
    describeHeader(definition, handler);
    UseInterceptors(IdempotencyInterceptor)(target, propertyKey, descriptor);
    UseFilters(new IdempotencyProblemFilter())(target, propertyKey, descriptor);
  };
}

/** The types refuse it as well, but not in JavaScript, nor by `applyDecorators`. */
function assertNoClass(target: object, propertyKey: unknown): void {
  if (typeof target === 'function' && propertyKey === undefined) {
    throw new LockConfigurationError(notOnClass(target.name));
  }
}

/** Decorators of parameters come before those of their method, so Nest's own marks of them are there. */
function takesResponse(target: object, name: string | symbol): boolean {
  const marks = Reflect.getMetadata('__routeArguments__', target.constructor, name) as object | undefined;
  return Object.keys(marks ?? {}).some((mark) => BY_HAND.test(mark));
}

function answersItself(target: object, name: string | symbol): boolean {
  return (
    takesResponse(target, name) && Reflect.getMetadata('__responsePassthrough__', target.constructor, name) !== true
  );
}
