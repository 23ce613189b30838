import { STATUS_CODES } from 'node:http';
import { HttpStatus } from '@nestjs/common';
import {
  isCircuitOpenError,
  isIdempotencyError,
  isLockBackendError,
  isLockLostError,
  isLockTimeoutError,
  LockingError,
  type CircuitOpenError,
  type IdempotencyError,
  type IdempotencyErrorReason,
  type LockBackendError,
  type LockErrorCode,
  type LockLostError,
  type LockTimeoutError,
} from '../errors/index.js';

/** The errors that say something about the moment rather than about the program: a client can act on them. */
export type LockFailure = LockTimeoutError | LockLostError | LockBackendError | CircuitOpenError | IdempotencyError;

/** The answer to a client. */
export interface LockFailureAnswer {
  readonly body: {
    readonly statusCode: number;
    readonly message: string;
    readonly error: string;
    readonly code: LockErrorCode;
  };
  /** Seconds; only where trying again is safe and likely to help. */
  readonly retryAfter?: number;
}

/**
 * For `@Catch`, which asks with `instanceof`: knows the errors by their brand, so that those of the package's other
 * module format count as well.
 */
export abstract class AnyLockFailure extends LockingError {
  static override [Symbol.hasInstance](error: unknown): error is LockFailure {
    return (
      isLockTimeoutError(error) ||
      isLockLostError(error) ||
      isLockBackendError(error) ||
      isCircuitOpenError(error) ||
      isIdempotencyError(error)
    );
  }
}

/** In seconds. A client that would have waited for an hour need not stay away for as long. */
const LONGEST_RETRY_AFTER = 60;

/** As long as a store may take over an answer before it counts as down, in seconds. */
const RETRY_AFTER_OUTAGE = 5;

/** A queue moves on, and another instance serves while this one shuts down, in seconds. */
const RETRY_SOON = 1;

/** Reasons for which a call was refused at once, so that how long it waited says nothing. */
const ENDS_SOON: ReadonlySet<string> = new Set(['queue-full', 'deadlock']);

/** What the client of a call without a result is told. */
const IDEMPOTENCY: Readonly<Record<IdempotencyErrorReason, readonly [status: HttpStatus, message: string]>> = {
  'in-progress': [HttpStatus.CONFLICT, 'The same request is being processed, try again later.'],
  mismatch: [HttpStatus.UNPROCESSABLE_ENTITY, 'The key of the request was used for another request.'],
  abandoned: [HttpStatus.CONFLICT, 'An earlier request ended without an answer, check its state.'],
  'not-replayable': [HttpStatus.CONFLICT, 'The request was processed before, but its answer cannot be repeated.'],
  'not-stored': [HttpStatus.SERVICE_UNAVAILABLE, 'The answer could not be stored, try again later.'],
};

/** Says nothing of keys, owners, stores and causes: they are the application's own business. */
export function answerFor(failure: LockFailure): LockFailureAnswer {
  const { code } = failure;
  if (isIdempotencyError(failure)) return idempotencyAnswer(failure);
  if (isLockTimeoutError(failure) || (isLockLostError(failure) && failure.notRun)) {
    const message = 'The resource is busy, try again later.';
    return {
      body: { statusCode: HttpStatus.CONFLICT, message, error: 'Conflict', code },
      retryAfter: isLockLostError(failure) || ENDS_SOON.has(failure.reason) ? RETRY_SOON : waited(failure.timeout),
    };
  }
  if (isLockLostError(failure)) {
    const message = 'The resource was lost to another request before this one ended, check its state.';
    return { body: { statusCode: HttpStatus.CONFLICT, message, error: 'Conflict', code } };
  }
  const message = 'The service cannot process the request at the moment, try again later.';
  return {
    body: { statusCode: HttpStatus.SERVICE_UNAVAILABLE, message, error: 'Service Unavailable', code },
    retryAfter: isCircuitOpenError(failure) ? atMost(failure.retryAfter) : afterOutage(failure),
  };
}

function afterOutage({ reason }: LockBackendError): number {
  return reason === 'shutdown' ? RETRY_SOON : RETRY_AFTER_OUTAGE;
}

function idempotencyAnswer({ code, reason, retryAfter }: IdempotencyError): LockFailureAnswer {
  const [statusCode, message] = IDEMPOTENCY[reason];
  const body = { statusCode, message, error: STATUS_CODES[statusCode] ?? 'Error', code };
  return { body, ...(retryAfter !== undefined && { retryAfter }) };
}

/** As long as the request itself has waited in vain. */
function waited(timeout: number): number {
  return atMost(Math.max(RETRY_SOON, Math.ceil(timeout / 1000) || RETRY_SOON));
}

function atMost(seconds: number): number {
  return Math.min(seconds, LONGEST_RETRY_AFTER);
}
