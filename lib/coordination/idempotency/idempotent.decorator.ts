import 'reflect-metadata';
import { UseFilters, UseInterceptors } from '@nestjs/common';
import { wrapMethod } from '../../decorators/wrap-method.js';
import { LockConfigurationError } from '../../errors/index.js';
import { notingEntry } from './http/entered-handler.js';
import { answersByHand, notOnThis } from './http/http.messages.js';
import { IdempotencyInterceptor } from './http/idempotency.interceptor.js';
import type { IdempotentRequestOptions } from './http/idempotent-options.interface.js';
import { attachIdempotentRequest, defineIdempotentRequest } from './http/idempotent-request.definition.js';
import { IdempotencyProblemFilter } from './http/problem.js';

/** The numbers of `@Res()` and `@Next()` in Nest's metadata of parameters, which begin with them. */
const BY_HAND = /^[12]:/;

/**
 * Handles an HTTP request once per `Idempotency-Key`: a repetition gets the first answer, from every instance of the
 * application, with `Idempotent-Replayed: true`. For one method of a controller, under Express and Fastify.
 *
 * @param options - `header`, `required`, `headers`, `principal`, `fingerprint`; and those of {@link IdempotencyService.run}:
 * `ttl`, `wait`, `expire`, `onAbandoned`, `maxSize`, `provider`
 * @throws LockConfigurationError at decoration for options that cannot work, and for handlers that answer by hand; at the
 * request for `@Sse()` handlers, and for a `request.user` without a name
 *
 * @example
 * \@Post('payments')
 * \@Idempotent({ wait: '2s' })
 * async pay(@Body() payment: PaymentDto): Promise<Receipt> { … }
 */
export function Idempotent(options: IdempotentRequestOptions = {}): MethodDecorator {
  const definition = defineIdempotentRequest(options);
  return (target, propertyKey, descriptor) => {
    wrapMethod('@Idempotent', propertyKey, target, descriptor, (original, name) => {
      if (answersItself(target, name)) {
        throw new LockConfigurationError(notOnThis(`${target.constructor.name}.${String(name)}`, answersByHand));
      }
      return notingEntry(original);
    });
    attachIdempotentRequest(definition, descriptor.value as object);
    UseInterceptors(IdempotencyInterceptor)(target, propertyKey, descriptor);
    UseFilters(new IdempotencyProblemFilter())(target, propertyKey, descriptor);
  };
}

/** Decorators of parameters come before those of their method, so Nest's own marks of them are there. */
function answersItself(target: object, name: string | symbol): boolean {
  const marks = Reflect.getMetadata('__routeArguments__', target.constructor, name) as object | undefined;
  const isByHand = Object.keys(marks ?? {}).some((mark) => BY_HAND.test(mark));
  return isByHand && Reflect.getMetadata('__responsePassthrough__', target.constructor, name) !== true;
}
