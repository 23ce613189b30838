import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isLockTimeoutError } from '../errors/index.js';
import { AnyLockFailure, answerFor, type LockFailure } from './lock-failure.js';
import { sendHttp, sendWs } from './send-answer.js';

/**
 * Gives the errors of locks their HTTP answers, under Express and Fastify:
 *
 * | error | status |
 * |---|---|
 * | `LockTimeoutError` | 409, with `Retry-After`: the time the request itself has waited, at least a second |
 * | `LockLostError` | 409 |
 * | `LockBackendError` | 503 |
 *
 * The body has Nest's usual shape and the error's code: `{ statusCode, message, error, code }`. It names neither keys
 * nor causes; those of lost locks and of stores that are down are logged. `LockKeyError` and `LockConfigurationError`
 * are mistakes in the program: they are left to other filters, and are answered with 500 by default.
 *
 * GraphQL operations and microservices keep Nest's own treatment of errors. A gateway's client gets an `exception`
 * event with the same message and code, as a filter has no way to pass an error on there.
 *
 * @example
 * app.useGlobalFilters(new LockExceptionFilter());
 * // or: providers: [{ provide: APP_FILTER, useClass: LockExceptionFilter }]
 * // or, on a controller or handler: @UseFilters(LockExceptionFilter)
 */
@Catch(AnyLockFailure)
export class LockExceptionFilter implements ExceptionFilter<LockFailure> {
  private static readonly logger = new Logger(LockExceptionFilter.name);

  catch(failure: LockFailure, host: ArgumentsHost): void {
    const type = host.getType<string>();
    // elsewhere, a filter that returns nothing leaves the error to Nest
    if (type !== 'http' && type !== 'ws') return;
    // busy is an everyday event; what the client is not told about the others must be found somewhere
    if (!isLockTimeoutError(failure)) LockExceptionFilter.logger.error(failure);
    if (type === 'http') sendHttp(host.getArgByIndex(1), answerFor(failure));
    else sendWs(host.getArgByIndex(0), answerFor(failure));
  }
}
