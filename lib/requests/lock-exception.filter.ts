import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';
import { isCircuitOpenError, isIdempotencyError, isLockLostError, isLockTimeoutError } from '../errors/index.js';
import { AnyLockFailure, answerFor, type LockFailure } from './lock-failure.js';
import { asGraphqlError, asMessageError, sendHttp, sendWs } from './send-answer.js';
import { ThrottledLog } from '../logging/throttled-log.js';

/**
 * Gives the errors of locks their HTTP answers, under Express and Fastify:
 *
 * | error | status |
 * |---|---|
 * | `LockTimeoutError` | 409, `Retry-After`: as long as the request has waited, 1 to 60 s; 1 s where the queue was full |
 * | `LockLostError` | 409 |
 * | `LockBackendError` | 503, `Retry-After`: 5 s; 1 s where the application shuts down |
 * | `CircuitOpenError` | 503, `Retry-After`: until a call is let through, 1 to 60 s |
 * | `IdempotencyError` | 409; 422 for another payload, 503 for a result that was not stored; `Retry-After` where it has one |
 *
 * The body has Nest's usual shape and the error's code: `{ statusCode, message, error, code }`. It names neither keys
 * nor causes. A store that is down is logged once in 10 s, with the number of requests that it cost; a lost lock is
 * logged up to 10 times in 10 s. `LockKeyError` and `LockConfigurationError` are mistakes in the program: they are left
 * to other filters, and are answered with 500 by default.
 *
 * The client of a GraphQL operation gets the same message, with the code as `extensions.code`, and that of a gateway an
 * `exception` event with both. The client of a microservice gets
 * `{ status: 'error', message, code }`; a busy lock or an open circuit is logged there as well, up to 10 times in 10 s, as the sender of an
 * event gets no answer.
 *
 * @example
 * app.useGlobalFilters(new LockExceptionFilter());
 * // or: providers: [{ provide: APP_FILTER, useClass: LockExceptionFilter }]
 * // or, on a controller or handler: @UseFilters(LockExceptionFilter)
 */
@Catch(AnyLockFailure)
export class LockExceptionFilter implements ExceptionFilter<LockFailure> {
  private readonly logger = new Logger('LockExceptionFilter');
  private readonly outages = new ThrottledLog((line) => {
    this.logger.error(line);
  }, 1);
  private readonly losses = new ThrottledLog((line) => {
    this.logger.error(line);
  }, 10);

  private readonly refusals = new ThrottledLog((line) => {
    this.logger.warn(line);
  }, 10);

  /** @returns the error that a GraphQL client may see; a stream that fails for a microservice; nothing anywhere else */
  catch(failure: LockFailure, host: ArgumentsHost): Error | Observable<never> | undefined {
    const type = host.getType<string>();
    // elsewhere, a filter that returns nothing leaves the error to Nest
    if (type !== 'http' && type !== 'ws' && type !== 'graphql' && type !== 'rpc') return undefined;
    this.log(failure, type);
    const answer = answerFor(failure);
    if (type === 'graphql') return asGraphqlError(answer);
    if (type === 'rpc') return throwError(() => asMessageError(answer));
    if (type === 'http') sendHttp(host.getArgByIndex(1), answer);
    else sendWs(host.getArgByIndex(0), answer);
    return undefined;
  }

  /**
   * A busy lock, and a call that an open circuit refuses, are everyday events. Clients are told of it, but the sender of an event gets no answer. Of other failures
   * clients learn little, so the log has them.
   */
  private log(failure: LockFailure, type: string): void {
    const line = `${failure.name}: ${failure.message}`;
    const isExpected = isIdempotencyError(failure) && failure.reason !== 'not-stored';
    if (isLockTimeoutError(failure) || isCircuitOpenError(failure) || isExpected) {
      if (type === 'rpc') this.refusals.add(line);
    } else if (isLockLostError(failure) || isIdempotencyError(failure)) this.losses.add(line);
    else if (failure.reason === 'shutdown') this.logger.debug(line);
    else this.outages.add(line);
  }
}
