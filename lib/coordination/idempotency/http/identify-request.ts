import type { ExecutionContext } from '@nestjs/common';
import { LockConfigurationError } from '../../../errors/index.js';
import { nameHandler, requestContext, userOf } from '../../../requests/request-context.js';
import { hash } from '../fingerprint.js';
import type { IdempotentCall } from '../idempotency.service.js';
import { keyInvalid, keyMissing, principalNotUsable, principalUnknown } from './http.messages.js';
import type { IdempotentRequestDefinition } from './idempotent-request.definition.js';
import { IdempotencyProblem } from './problem.js';
import { fingerprintOfRequest } from './request-payload.js';

/** The most characters of a key. */
const LONGEST_KEY = 255;

/** A string of structured fields (RFC 8941). */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/** What clients send that know nothing of structured fields. A comma would stand between two headers. */
const BARE = /^[\x21\x23-\x2b\x2d-\x7e]+$/;

/** The part of the requests of Express and Fastify that is needed. */
interface Request {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly baseUrl?: string;
  readonly route?: { readonly path?: unknown };
  readonly routeOptions?: { readonly url?: string };
}

/**
 * Which run a request asks for; `undefined` without a key, where none is required.
 *
 * @throws IdempotencyProblem for a key or a payload that cannot be used
 * @throws LockConfigurationError where the user cannot be told
 */
export function identifyRequest(
  definition: IdempotentRequestDefinition,
  context: ExecutionContext,
): IdempotentCall | undefined {
  const request = context.getArgByIndex<Request>(0);
  const clientKey = readKey(definition, request.headers[definition.header.toLowerCase()]);
  if (clientKey === undefined) return undefined;
  const principal = principalOf(definition, context, request);
  const route = [request.method, routeOf(request, context), ...variantOf(request, context)];
  const parts = [principal, ...route, clientKey];
  // A hash: neither the user nor what a client chooses becomes a part of names in the store.
  const key = `http:${hash(JSON.stringify(parts))}`;
  return { key, fingerprint: fingerprintOfRequest(definition, context, request), settings: definition.settings };
}

function readKey({ header, required }: IdempotentRequestDefinition, sent: unknown): string | undefined {
  if (sent === undefined) {
    if (!required) return undefined;
    throw new IdempotencyProblem(keyMissing(header));
  }
  const text = typeof sent === 'string' ? sent.trim() : '';
  const key = QUOTED.exec(text)?.[1]?.replace(/\\(["\\])/g, '$1') ?? (BARE.test(text) ? text : '');
  if (key === '' || key.length > LONGEST_KEY) throw new IdempotencyProblem(keyInvalid(header, LONGEST_KEY));
  return key;
}

function principalOf(
  { principal }: IdempotentRequestDefinition,
  context: ExecutionContext,
  request: Request,
): readonly unknown[] {
  if (principal) {
    const named: unknown = principal(requestContext(context));
    if (named === undefined) return [];
    if (typeof named !== 'string' && typeof named !== 'number') {
      throw new LockConfigurationError(principalNotUsable(nameHandler(context)));
    }
    return ['principal', String(named)];
  }
  const user = userOf(request);
  if (user === undefined || user === null) {
    const { authorization } = request.headers;
    return typeof authorization === 'string' ? ['authorization', authorization] : [];
  }
  if (typeof user === 'string') return ['user', user];
  const { id, sub, userId } = user as Record<string, unknown>;
  const found = [id, sub, userId].map(textOf).find((text) => text !== undefined);
  if (found === undefined) throw new LockConfigurationError(principalUnknown(nameHandler(context)));
  return ['user', found];
}

/** A text, a number, or what has a text of its own, such as an ObjectId. */
function textOf(id: unknown): string | undefined {
  if (typeof id !== 'object' || id === null) {
    const isName = (typeof id === 'string' && id !== '') || typeof id === 'bigint' || Number.isFinite(id);
    return isName ? String(id) : undefined;
  }
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- what has none is left out
  const text = String(id);
  return text === '' || text.startsWith('[object ') ? undefined : text;
}

/** The route as the framework knows it: a class that is renamed does not change it. */
function routeOf({ route, baseUrl = '', routeOptions }: Request, context: ExecutionContext): string {
  if (routeOptions?.url !== undefined) return routeOptions.url;
  return typeof route?.path === 'string' ? baseUrl + route.path : nameHandler(context);
}

/** What tells apart handlers of one path: Nest's marks of `@Version()` and of `@Controller({ version, host })`. */
function variantOf({ headers }: Request, context: ExecutionContext): readonly unknown[] {
  const [handler, controller] = [context.getHandler(), context.getClass()];
  const mark = (name: string, target: object): unknown => Reflect.getMetadata(name, target) as unknown;
  const version = mark('__version__', handler) ?? mark('__version__', controller);
  const host = mark('host', controller) === undefined ? undefined : headers.host;
  // A symbol stands for all versions.
  return [typeof version === 'symbol' ? undefined : version, host];
}
