import { BadRequestException, HttpException, Logger, type ExecutionContext } from '@nestjs/common';
import { normalizeKeys } from '../engine/options/lock-keys.js';
import { isLockConfigurationError, isLockKeyError, LockKeyError } from '../errors/index.js';
import { ThrottledLog } from '../logging/throttled-log.js';
import { unusableRequest } from './interceptor.messages.js';
import type { LockRequestDefinition } from './lock-request.definition.js';
import { nameHandler, NoSuchRootError } from './request-context.js';

const logger = new Logger('LockInterceptor');

/** By decoration, as a client can send as many bad requests as it likes. */
const warnings = new WeakMap<LockRequestDefinition, ThrottledLog>();

/**
 * The keys of a request. What a client has sent is the client's: if no keys can be made of it, its request is a bad
 * one. Anything else is a mistake of the program, and stays the error that it is.
 *
 * @throws BadRequestException for an HTTP request or a GraphQL operation of which no keys can be made
 * @throws LockKeyError for a message of which none can be made, and for keys that no request can change
 */
export function keysOfRequest(definition: LockRequestDefinition, context: ExecutionContext): readonly string[] {
  try {
    return normalizeKeys(definition.keysOf(context));
  } catch (error) {
    if (!definition.dependsOnRequest || isProgramError(error)) throw error;
    const { name, message } = error as Error;
    const line = unusableRequest(nameHandler(context), isLockKeyError(error) ? message : `${name}: ${message}`);
    const type = context.getType<string>();
    if (type !== 'http' && type !== 'graphql')
      throw isLockKeyError(error) ? error : new LockKeyError(line, [], { cause: error });
    warn(definition, line);
    throw badRequest(error);
  }
}

function warn(definition: LockRequestDefinition, line: string): void {
  let log = warnings.get(definition);
  if (!log) {
    log = new ThrottledLog((text) => {
      logger.warn(text);
    }, 10);
    warnings.set(definition, log);
  }
  log.add(line);
}

function isProgramError(error: unknown): boolean {
  // What a key function throws on purpose is its own answer.
  return (
    error instanceof NoSuchRootError ||
    error instanceof HttpException ||
    isLockConfigurationError(error) ||
    !(error instanceof Error)
  );
}

/** What a client sends itself. Of other roots, such as `user`, it learns nothing. */
const SENT_BY_CLIENT = /^(?:params|query|body|headers|args)\b/;

/** Names what the client can mend, and nothing of the template: that is the application's own business. */
function badRequest(cause: unknown): BadRequestException {
  const path = isLockKeyError(cause) && SENT_BY_CLIENT.test(cause.path ?? '') ? cause.path : undefined;
  const message = `The request cannot be processed: ${path ?? 'a value that it needs'} is missing or cannot be used.`;
  return new BadRequestException({ statusCode: 400, message, error: 'Bad Request', code: 'LOCK_KEY' }, { cause });
}
