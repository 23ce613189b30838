import 'reflect-metadata';
import type { ExecutionContext } from '@nestjs/common';
import { checkOptions, type CheckedOptions } from '../decorators/check-options.js';
import { parseDuration } from '../engine/options/duration.js';
import { parseKeyTemplate, REQUEST_ROOTS } from '../key-templates/index.js';
import type {
  LockRequestContext,
  LockRequestKeyFunction,
  LockRequestOptions,
  OnRequestUnavailable,
} from './lock-request.interface.js';
import { requestContext } from './request-context.js';

/** What a `@LockRequest` says, checked. */
export interface LockRequestDefinition extends CheckedOptions {
  readonly keysOf: (context: ExecutionContext) => string | readonly string[];
  /** Whether the keys are made of what the client has sent. */
  readonly dependsOnRequest: boolean;
  /** In milliseconds. */
  readonly responseTimeout: number;
}

/** Where it is kept: on the function of a handler, or on the class. */
const LOCK_REQUEST = 'nestjs-locking:lock-request';

/** @throws LockKeyError and LockConfigurationError at decoration, for what could only fail at every request */
export function defineLockRequest(
  key: string | LockRequestKeyFunction,
  { responseTimeout = '10s', ...options }: LockRequestOptions<OnRequestUnavailable>,
): LockRequestDefinition {
  const checked = { ...checkOptions(options), responseTimeout: parseDuration(responseTimeout, 'responseTimeout') };
  if (typeof key === 'function') {
    return { ...checked, dependsOnRequest: key.length > 0, keysOf: (context) => key(requestContext(context)) };
  }
  const template = parseKeyTemplate(key, REQUEST_ROOTS);
  return {
    ...checked,
    dependsOnRequest: !template.isConstant,
    keysOf: (context) => {
      const request = requestContext(context);
      return template.render((root) => request[root as keyof LockRequestContext]);
    },
  };
}

export function attachLockRequest(definition: LockRequestDefinition, target: object): void {
  Reflect.defineMetadata(LOCK_REQUEST, definition, target);
}

/** Whether `target` itself is decorated: what it inherits does not count, as that may be replaced. */
export function hasLockRequest(target: object): boolean {
  return Reflect.hasOwnMetadata(LOCK_REQUEST, target);
}

/** On a prototype: the names of its methods that were decorated themselves. A text, for the package's other module format. */
const LOCKED_METHODS = 'nestjs-locking:lock-request-methods';

export function noteLockedMethod(prototype: object, name: string | symbol): void {
  Reflect.defineMetadata(LOCKED_METHODS, [...lockedMethodsOf(prototype), name], prototype);
}

/**
 * The name of a decorated method of `prototype` whose place another function has taken, without the definition: Nest
 * calls that function, and finds no interceptor to bind.
 */
export function unlockedMethodOf(prototype: object): string | symbol | undefined {
  return lockedMethodsOf(prototype).find((name) => {
    const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
    return typeof method === 'function' && !Reflect.hasMetadata(LOCK_REQUEST, method);
  });
}

/** What compilers, Swagger, interceptors and the like leave on any method; this package does as well. */
const NOT_OF_HANDLERS = /^(?:__|design:|swagger\/|nestjs-locking:)/;

/**
 * The names of decorated methods of `prototype`, its own and inherited, on which nothing has left a mark that makes them
 * handlers: Nest does not call them for a request, and only Nest runs interceptors.
 */
export function calledByNobody(prototype: object): (string | symbol)[] {
  const names = new Set<string | symbol>();
  for (let owner: object | null = prototype; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    for (const name of lockedMethodsOf(owner)) names.add(name);
  }
  return [...names].filter((name) => {
    const method = (prototype as Record<string | symbol, unknown>)[name];
    if (typeof method !== 'function' || !Reflect.hasMetadata(LOCK_REQUEST, method)) return false;
    const keys = Reflect.getMetadataKeys(method) as unknown[];
    return keys.every((key) => typeof key === 'string' && NOT_OF_HANDLERS.test(key));
  });
}

function lockedMethodsOf(prototype: object): readonly (string | symbol)[] {
  return (Reflect.getOwnMetadata(LOCKED_METHODS, prototype) as (string | symbol)[] | undefined) ?? [];
}

/** The definition for a request: the handler's own, else its class's. */
export function lockRequestOf(context: ExecutionContext): LockRequestDefinition | undefined {
  for (const target of [context.getHandler(), context.getClass()]) {
    const found: unknown = Reflect.getMetadata(LOCK_REQUEST, target);
    if (found) return found as LockRequestDefinition;
  }
  return undefined;
}
