import 'reflect-metadata';
import type { ExecutionContext } from '@nestjs/common';

type Value = string | number | readonly string[];
type Headers = Readonly<Record<string, Value | undefined>>;

/** Of Node's responses, what is needed. */
interface RawResponse {
  getHeaders(): Headers;
  setHeader(name: string, value: Value): unknown;
  removeHeader(name: string): void;
  writeHead: (this: unknown, ...args: unknown[]) => unknown;
  statusMessage?: string;
  /** Of HTTP/2, which has no such messages. */
  readonly stream?: object;
}

/** A reply of Fastify has headers of its own, beside those of Node's response. */
interface FastifyReply {
  readonly raw: RawResponse;
  getHeaders(): Headers;
  header(name: string, value: Value): unknown;
  removeHeader(name: string): unknown;
}

const COOKIES = 'set-cookie';

/** By response: the headers that it had before its handler. */
const earlier = new WeakMap<object, Headers>();

/** Notes the headers that an answer has of middleware, guards and outer interceptors, when first it is called for a request. */
export function noteEarlierHeaders(context: ExecutionContext): void {
  const response = context.getArgByIndex<RawResponse | FastifyReply>(1);
  if (earlier.has(response)) return;
  const headers = { ...response.getHeaders() };
  // Nest has set those of `@Header()` already. They are the handler's; the name of the mark is not public.
  const marks: unknown = Reflect.getMetadata('__headers__', context.getHandler());
  for (const { name } of Array.isArray(marks) ? (marks as { name: unknown }[]) : []) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a copy of its own
    delete headers[String(name).toLowerCase()];
  }
  earlier.set(response, headers);
}

/** Takes from the response what its handler has set, cookies above all: a refusal is sent in place of its answer. */
export function restoreEarlierHeaders(response: object): void {
  const before = earlier.get(response);
  if (!before) return;
  const made = response as RawResponse | FastifyReply;
  const raw = 'raw' in made ? made.raw : made;
  for (const [name, value] of Object.entries(made.getHeaders())) {
    if (value === before[name]) continue;
    made.removeHeader(name);
    raw.removeHeader(name);
  }
  const standing = made.getHeaders();
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined || standing[name] !== undefined) continue;
    if ('raw' in made) made.header(name, value);
    else made.setHeader(name, value);
  }
  if (!raw.stream && raw.statusMessage) raw.statusMessage = '';
}

/**
 * Plugins of Fastify set the cookies of a handler only as the answer is sent. Those from before the handler are lost with them:
 * nothing tells them apart.
 */
export function refuseLateCookies(response: object): void {
  const raw = 'raw' in response ? (response as FastifyReply).raw : (response as RawResponse);
  const kept = earlier.get(response)?.[COOKIES];
  const { writeHead } = raw;
  raw.writeHead = function (...args) {
    raw.removeHeader(COOKIES);
    if (kept !== undefined) raw.setHeader(COOKIES, kept);
    return writeHead.apply(this, args.map(withoutCookies));
  };
}

function withoutCookies(headers: unknown): unknown {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== COOKIES));
}
