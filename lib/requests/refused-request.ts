import 'reflect-metadata';
import { HttpException, type ExecutionContext } from '@nestjs/common';
import { EMPTY, from, isObservable, of, type Observable } from 'rxjs';
import type { OnUnavailable } from '../decorators/with-lock-options.interface.js';
import { isLockTimeoutError } from '../errors/index.js';

/**
 * The answer to a request that did not get its lock.
 *
 * @throws the error itself, where `onUnavailable` does not apply to it
 */
export function answerRefused(
  error: unknown,
  onUnavailable: OnUnavailable,
  context: ExecutionContext,
): Observable<unknown> {
  if (onUnavailable === 'throw' || !isLockTimeoutError(error)) throw error;
  const answer: unknown = onUnavailable === 'skip' ? undefined : onUnavailable(error, context as never);
  if (isObservable(answer)) return answer;
  if (answer instanceof Promise) return from(answer);
  // Nest wants one value of every handler, and an event for every value of an @Sse() handler
  return answer === undefined && isServerSentEvents(context) ? EMPTY : of(answer);
}

/** The requests that have failed with `clientGone`. */
const gone = new WeakSet<ExecutionContext>();

/**
 * The error of a request whose client has left. There is no client to answer; it ends the request for other interceptors and for
 * access logs (499 is the customary status), and Nest does not log it.
 */
export function clientGone(context: ExecutionContext): HttpException {
  gone.add(context);
  return new HttpException('Client Closed Request', 499);
}

/** Whether a lock has failed the request as its client has left: what is sent then is no answer of the handler. */
export function failedAsGone(context: ExecutionContext): boolean {
  return gone.has(context);
}

/** Nest's own mark of `@Sse()`; its constant is not public. */
function isServerSentEvents(context: ExecutionContext): boolean {
  return Boolean(Reflect.getMetadata('__sse__', context.getHandler()));
}
