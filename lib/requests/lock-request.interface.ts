import type { ExecutionContext } from '@nestjs/common';
import type { LockTimeoutError } from '../errors/index.js';
import type { Duration, ExecuteOptions } from '../interfaces/index.js';

/** The parts of a request that a key can be made of, as the transport delivers them: no pipe has run yet. */
export interface LockRequestRoots {
  /** HTTP: the parameters of the route. */
  params: Record<string, string>;
  /** HTTP: the query string, parsed. */
  query: Record<string, unknown>;
  /** HTTP: the parsed body. */
  body: unknown;
  /** HTTP: the headers, by a name in any case. */
  headers: Record<string, string | string[] | undefined>;
  /**
   * HTTP: `request.user`, or `request.raw.user`, where middleware sets it under Fastify; GraphQL: that of `context.req`. Set by
   * an authentication guard or middleware.
   */
  user: unknown;
  /** GraphQL: the arguments of the field. */
  args: unknown;
  /** GraphQL: the context; messages: the transport's context; WebSockets: the client. */
  context: unknown;
  /** Messages and WebSockets: the payload. */
  data: unknown;
}

/**
 * What a key function of `@LockRequest` is given. Reading a part that this kind of request does not have throws a
 * `LockKeyError`. Name the types you know:
 *
 * @example
 * \@LockRequest(({ body }: LockRequestContext<{ body: PayDto }>) => `pay:${body.id}`)
 */
export type LockRequestContext<Known extends Partial<LockRequestRoots> = object> = Readonly<
  Omit<LockRequestRoots, keyof Known> & Known
> & {
  /** Nest's own view of the request, for everything else. */
  readonly executionContext: ExecutionContext;
};

/** A function that names the keys of a request. */
export type LockRequestKeyFunction<Known extends Partial<LockRequestRoots> = object> = (
  request: LockRequestContext<Known>,
) => string | readonly string[];

/**
 * What a request comes to when its lock cannot be had in time. `'throw'`: the `LockTimeoutError` goes to the exception
 * filters. `'skip'`: the answer is empty. A function: the answer is what it returns, or what the Promise or Observable
 * that it returns comes to.
 */
export type OnRequestUnavailable =
  'throw' | 'skip' | ((error: LockTimeoutError, executionContext: ExecutionContext) => unknown);

/**
 * Options of `@LockRequest`: those of `execute`, `onUnavailable`, and `responseTimeout`.
 *
 * @typeParam Unavailable - the type of `onUnavailable`, which the compiler checks against the handler; an object that is
 * declared apart has to name it
 */
export interface LockRequestOptions<Unavailable = 'throw'> extends ExecuteOptions {
  /**
   * What the request comes to when its lock cannot be had in time. The return type of a decorated handler has to admit
   * it, as clients and documentation go by that: `undefined` for `'skip'` (not of an Observable), or the answer of the
   * function. On a class it is not checked.
   *
   * A handler that answers through `@Res()` needs `'throw'`, or a function that sends the response itself: Nest sends
   * none for it.
   *
   * @defaultValue 'throw'
   */
  onUnavailable?: Unavailable | undefined;

  /**
   * HTTP, for handlers that answer with a stream: how long the lock waits, in all, for a client that does not read. Then
   * the response is cut short, a warning is logged, and the lock is released. Only the time counts in which the response
   * cannot go on because the client has to read first; what the handler's own stream takes is not limited. A response
   * that is not streamed never keeps the lock waiting for the client.
   *
   * A bare number is seconds.
   *
   * @defaultValue '10s'
   */
  responseTimeout?: Duration | undefined;
}
