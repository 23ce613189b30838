import 'reflect-metadata';
import type { ExecutionContext } from '@nestjs/common';
import { LockConfigurationError } from '../../../errors/index.js';
import { readIdempotencyOptions, type IdempotencySettings } from '../read-idempotency-options.js';
import { headerNotUsable, headersNotUsable, notBoolean, notFunction } from './http.messages.js';
import type { IdempotentRequestOptions } from './idempotent-options.interface.js';
import { NEVER_REPLAYED, REPLAYED_HEADERS } from './stored-answer.js';

/** What an `@Idempotent` on a handler of HTTP requests says, checked. */
export interface IdempotentRequestDefinition {
  readonly settings: IdempotencySettings;
  readonly header: string;
  readonly required: boolean;
  readonly headers: readonly string[];
  readonly principal: IdempotentRequestOptions['principal'];
  readonly fingerprint: IdempotentRequestOptions['fingerprint'];
}

/** Facts about the handler itself. */
export interface IdempotentHandlerDefinition extends IdempotentRequestDefinition {
  /** Whether it takes the response (`@Res()`), so that it can answer by hand. */
  readonly takesResponse: boolean;
}

/** Where it is kept: on the function of the handler. */
const IDEMPOTENT = 'nestjs-locking:idempotent';

/** The characters of the name of a header. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** @throws LockConfigurationError for options that cannot work */
export function defineIdempotentRequest(options: IdempotentRequestOptions): IdempotentRequestDefinition {
  const { header = 'Idempotency-Key', required = true, headers = [], principal, fingerprint, ...others } = options;
  if (typeof header !== 'string' || !TOKEN.test(header)) throw new LockConfigurationError(headerNotUsable(header));
  if (typeof (required as unknown) !== 'boolean') throw new LockConfigurationError(notBoolean('required'));
  if (!Array.isArray(headers)) throw new LockConfigurationError(headersNotUsable(String(headers)));
  const names = headers.map((name: unknown) => String(name).toLowerCase());
  for (const name of names) {
    if (!TOKEN.test(name) || NEVER_REPLAYED.includes(name)) throw new LockConfigurationError(headersNotUsable(name));
  }
  for (const [name, value] of Object.entries({ principal, fingerprint })) {
    if (value !== undefined && typeof value !== 'function') throw new LockConfigurationError(notFunction(name));
  }
  const settings = readIdempotencyOptions(others);
  return { settings, header, required, headers: [...REPLAYED_HEADERS, ...names], principal, fingerprint };
}

export function attachIdempotentRequest(definition: IdempotentHandlerDefinition, handler: object): void {
  Reflect.defineMetadata(IDEMPOTENT, definition, handler);
}

export function idempotentRequestOf(context: ExecutionContext): IdempotentHandlerDefinition | undefined {
  return Reflect.getMetadata(IDEMPOTENT, context.getHandler()) as IdempotentHandlerDefinition | undefined;
}
