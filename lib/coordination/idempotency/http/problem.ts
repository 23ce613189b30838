import { STATUS_CODES } from 'node:http';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import {
  isIdempotencyError,
  isLockBackendError,
  isLockLostError,
  isLockTimeoutError,
  type IdempotencyErrorReason,
} from '../../../errors/index.js';
import { restoreEarlierHeaders } from '../../../requests/earlier-headers.js';
import { PROBLEMS, type ProblemText } from './http.messages.js';
import type { Answer } from './stored-answer.js';

const PROBLEM_TYPE = 'application/problem+json';

/** After how many seconds to try again when the store cannot be asked, and when this instance shuts down. */
const RETRY_AFTER_OUTAGE = 5;
const RETRY_SOON = 1;

/** A refusal, as the client gets it. Other filters and interceptors see an HttpException like any other. */
export class IdempotencyProblem extends HttpException {
  readonly retryAfter: number | undefined;

  constructor(
    { status, code, detail }: ProblemText,
    { retryAfter, cause }: { retryAfter?: number; cause?: unknown } = {},
  ) {
    super({ type: 'about:blank', title: STATUS_CODES[status], status, detail, code }, status, { cause });
    this.retryAfter = retryAfter;
  }

  toAnswer(): Answer {
    const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE };
    if (this.retryAfter !== undefined) headers['retry-after'] = String(this.retryAfter);
    return { status: this.getStatus(), headers, body: JSON.stringify(this.getResponse()) };
  }
}

/** The refusal that an error of a run comes to; `undefined` for what is a mistake of the program. */
export function problemOf(error: unknown): IdempotencyProblem | undefined {
  if (isIdempotencyError(error)) {
    const { retryAfter } = error;
    return new IdempotencyProblem(PROBLEMS[error.reason satisfies IdempotencyErrorReason], {
      cause: error,
      ...(retryAfter !== undefined && { retryAfter }),
    });
  }
  if (isLockTimeoutError(error) || (isLockLostError(error) && error.notRun)) {
    return new IdempotencyProblem(PROBLEMS['in-progress'], { cause: error, retryAfter: RETRY_SOON });
  }
  if (isLockLostError(error)) return new IdempotencyProblem(PROBLEMS.lost, { cause: error, retryAfter: RETRY_SOON });
  if (!isLockBackendError(error)) return undefined;
  const retryAfter = error.reason === 'shutdown' ? RETRY_SOON : RETRY_AFTER_OUTAGE;
  return new IdempotencyProblem(PROBLEMS.down, { cause: error, retryAfter });
}

/** The part of the responses of Express and Fastify that both have. */
interface Response {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  send(body: unknown): unknown;
}

/** Sends refusals, also where the application has a filter for every exception. */
@Catch(IdempotencyProblem)
export class IdempotencyProblemFilter implements ExceptionFilter<IdempotencyProblem> {
  catch(problem: IdempotencyProblem, host: ArgumentsHost): void {
    const response = host.getArgByIndex<Response & object>(1);
    restoreEarlierHeaders(response);
    const { status, headers, body } = problem.toAnswer();
    response.status(status);
    for (const [name, value] of Object.entries(headers)) response.header(name, value);
    response.send(body);
  }
}
