import { StoreNotReachedError } from '../../provider-api/index.js';
import { meaningOf, NOT_REDIS, type Meaning } from './redis-meanings.js';
import { nonsense } from './redis.messages.js';

/** An error of Redis that says what it means and what to do; the server's own is its cause. */
class RedisError extends Error {
  override readonly name = 'RedisError';

  constructor(
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** One after which certainly nothing was taken. */
class RedisRefusal extends StoreNotReachedError {
  constructor(
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What Redis appends to errors from within scripts: of no use without knowing the script. */
const WHERE = / script: [0-9a-f]{40}, on @user_script:\d+\.$/;

/** What the parsers of ioredis 5 and 6 say. */
const BROKEN_PROTOCOL = /^(?:Protocol error, got|Unknown RESP type) /;

/** Says of an error of ioredis what it means, where that is known; others come back as they are. */
export function explainError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const meaning = BROKEN_PROTOCOL.test(error.message) ? NOT_REDIS : meaningOf(error.message);
  return meaning ? toError(error.message, meaning, error) : error;
}

/**
 * Whether an error is what Redis itself has answered, known by its first word, as in `NOPERM this user …`. Its class and
 * name say nothing once a bundler has renamed them.
 */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && /^[A-Z][A-Z0-9_]+(?: |$)/.test(error.message);
}

/** The error that a script has passed on instead of failing; it has changed nothing by then. */
export function refusalOf(text: string): Error {
  const meaning = meaningOf(text);
  return meaning ? toError(text, { ...meaning, untouched: true }) : new StoreNotReachedError(text);
}

/** The error that a script has passed on for one of its keys, of which it may have done a part. */
export function failureOf(text: string): Error {
  const meaning = meaningOf(text);
  return meaning ? toError(text, { ...meaning, untouched: false }) : new Error(text);
}

/** An answer that has not the shape that it should have: what was asked for may have been done or not. */
export function malformedReply(what: string): Error {
  return new RedisError(nonsense(what), NOT_REDIS.remedy);
}

/** A number of an answer, which comes as text where ioredis is told so; `NaN` for anything else. */
export function wholeNumber(reply: unknown): number {
  if (typeof reply === 'number') return reply;
  return typeof reply === 'string' && /^-?\d+$/.test(reply) ? Number(reply) : NaN;
}

function toError(text: string, { means, remedy, untouched }: Meaning, cause?: Error): Error {
  const message = `${text.replace(WHERE, '').replace(/\.$/, '')} (${means})`;
  return new (untouched ? RedisRefusal : RedisError)(message, remedy, cause && { cause });
}
