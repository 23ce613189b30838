import { UseInterceptors, type ExecutionContext } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { assertLegacyCall } from '../decorators/assert-legacy-call.js';
import type {
  AnyResult,
  Emits,
  Emitted,
  Fallback,
  FallbackResult,
  Skipped,
  ResolvesWith,
  Returned,
  Returns,
} from '../decorators/call-results.js';
import { calledBy } from '../decorators/check-options.js';
import { withLabel } from '../engine/options/lock-names.js';
import { LockConfigurationError } from '../errors/index.js';
import { notOnMembers, twice } from './interceptor.messages.js';
import { attachLockRequest, defineLockRequest, hasLockRequest, noteLockedMethod } from './lock-request.definition.js';
import type {
  LockRequestKeyFunction,
  LockRequestOptions,
  LockRequestRoots,
  OnRequestUnavailable,
} from './lock-request.interface.js';
import { LockInterceptor } from './lock.interceptor.js';
import { reportingResult, reportResultsOf } from './report-result.js';

/** The decorator that `@LockRequest` makes: for handlers whose answer may be what `Unavailable` makes of a request. */
type LockRequestDecorator<Unavailable> = ([FallbackResult<Unavailable> | Skipped<Unavailable>] extends [never]
  ? MethodDecorator
  : <Decorated extends (...args: never[]) => unknown>(
      target: object,
      propertyKey: string | symbol,
      descriptor: TypedPropertyDescriptor<Decorated> & AnswersWith<Decorated, Unavailable>,
    ) => void) &
  ClassDecorator;

/** Handlers answer with a value, a Promise or an Observable; so do the functions that stand in for them. */
type AnswersWith<Decorated extends (...args: never[]) => unknown, Unavailable> =
  ReturnType<Decorated> extends Observable<unknown>
    ? Emits<Decorated, FallbackResult<Unavailable>>
    : ReturnType<Decorated> extends PromiseLike<unknown>
      ? ResolvesWith<Decorated, Emitted<FallbackResult<Unavailable>> | Skipped<Unavailable>>
      : Returns<Decorated, Emitted<Returned<FallbackResult<Unavailable>>> | Skipped<Unavailable>>;

/**
 * Handles requests one at a time per key, across every instance of the application that shares the store. The lock is
 * held from before the handler until the handler has ended and, of an HTTP request, the whole response has been handed to
 * the connection or the client has gone away. `LockingService.current()` is the lock, anywhere inside the handler. A
 * streamed response is cut short when the lock is lost, or when the client does not read it for `responseTimeout`.
 *
 * The key is a template over the parts of the request, or a function of them:
 *
 * - HTTP: `<params.id>`, `<query.sku>`, `<body.lines[].sku>` (one key per element, all locked at once),
 *   `<headers.X-Tenant>`, `<user.id>`
 * - GraphQL: `<args.id>`, `<context.req.id>`, `<user.id>`. On `@ResolveField()` Nest runs no interceptor unless
 *   `fieldResolverEnhancers` of the GraphQL module names them.
 * - Microservices: `<data.orderId>`, `<context…>`; WebSockets: `<data.room>`, `<context…>` for the client.
 *
 * Keys are made of what the client sent: after guards, before pipes. `'7'` and `'07'` are two keys, whatever a pipe
 * makes of them later.
 *
 * On a class it applies to every handler, each request with its own lock; a handler's own `@LockRequest` replaces that
 * of its class. It binds `LockInterceptor` itself.
 *
 * A client that leaves while its request waits ends the wait, and the handler does not run. One that leaves later does
 * not end the lock, nor does an interceptor that gives up on the handler (`timeout()` of rxjs): a handler that returns a
 * Promise is waited for, an Observable is unsubscribed from (not with `@Idempotent`, which needs its result). An
 * interceptor inside the lock that calls the handler again (`retry()`) has to wait for the end of the call before.
 *
 * Give a template a prefix (`'order:<body.id>'`): a key that the client names freely can be any key of the application.
 *
 * @param options - those of `LockingService.execute`, `onUnavailable`, and `responseTimeout` (default `'10s'`)
 * @throws LockKeyError at decoration for a malformed template; at a message (of a microservice or a gateway) for a
 * placeholder without a usable value, before the handler runs
 * @throws BadRequestException the same at an HTTP request or a GraphQL operation: what the client has sent makes no key.
 * A warning names the handler. A key that no request can change stays a `LockKeyError`
 * @throws LockConfigurationError at decoration for options that cannot work; at start-up where a decorator above has
 * replaced the method and dropped its metadata, as requests would run without their lock
 * @throws LockTimeoutError at the request, when the lock cannot be had in time and `onUnavailable` is `'throw'`; see
 * `LockExceptionFilter` for the answer it comes to
 * @throws LockLostError at the request, when the lock was lost while the handler ran
 *
 * @example
 * \@Post(':id/payment')
 * \@LockRequest('order:<params.id>', { timeout: '2s' })
 * pay(@Param('id') id: string): Promise<Receipt> { … }
 *
 * \@LockRequest(({ body }: LockRequestContext<{ body: PayDto }>) => ['pay', body.id])
 */
export function LockRequest<
  Known extends Partial<LockRequestRoots> = object,
  Word extends OnRequestUnavailable | undefined = never,
  Result extends AnyResult = never,
>(
  key: string | LockRequestKeyFunction<Known>,
  options?: LockRequestOptions<Word | Fallback<[executionContext: ExecutionContext], Result>>,
): LockRequestDecorator<Word | Fallback<[executionContext: ExecutionContext], Result>>;
/** With `Known` named the compiler infers nothing else, so what becomes of a refused request is not checked. */
export function LockRequest<Known extends Partial<LockRequestRoots>>(
  key: string | LockRequestKeyFunction<Known>,
  options: LockRequestOptions<OnRequestUnavailable>,
): MethodDecorator & ClassDecorator;
export function LockRequest(
  key: string | LockRequestKeyFunction<never>,
  options: LockRequestOptions<OnRequestUnavailable> = {},
): MethodDecorator & ClassDecorator {
  const definition = defineLockRequest(key as string | LockRequestKeyFunction, options);
  const bind = UseInterceptors(LockInterceptor);

  const decorate = (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    assertLegacyCall('@LockRequest', name);
    if (name === undefined) {
      if (typeof target !== 'function') throw new LockConfigurationError(notOnMembers('a value'));
      attach(target, target.name, target.name);
      reportResultsOf(target.prototype as object);
      bind(target);
      return;
    }
    const method: unknown = descriptor?.value;
    if (typeof target === 'function' || !descriptor || typeof method !== 'function') {
      throw new LockConfigurationError(notOnMembers(String(name)));
    }
    descriptor.value = reportingResult(method as () => unknown);
    attach(descriptor.value as object, String(name), `${target.constructor.name}.${String(name)}`);
    noteLockedMethod(target, name);
    bind(target, name, descriptor);
  };

  const attach = (target: object, name: string, label: string): void => {
    if (hasLockRequest(target)) throw new LockConfigurationError(twice(name));
    const called = calledBy(definition, typeof key === 'string' ? key : label);
    attachLockRequest({ ...called, execute: withLabel(called.execute, label) }, target);
  };
  return decorate;
}
