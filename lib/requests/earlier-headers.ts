import 'reflect-metadata';
import type { ExecutionContext } from '@nestjs/common';

type Value = string | number | readonly string[];
type Headers = Readonly<Record<string, Value | undefined>>;

/** Of Node's responses, what is needed. */
interface RawResponse {
  getHeaders(): Headers;
  setHeader: (name: string, value: Value) => unknown;
  /** Since Node 18.3; not of HTTP/2 in every version. */
  appendHeader?: (name: string, value: Value) => unknown;
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
  const response = context.getArgByIndex<RawResponse | FastifyReply | undefined>(1);
  if (typeof response?.getHeaders !== 'function' || earlier.has(response)) return;
  const headers: Record<string, Value | undefined> = {};
  // A cookie that is added later joins the list itself.
  for (const [name, value] of Object.entries(response.getHeaders())) headers[name] = copyOf(value);
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
    if (isSame(value, before[name])) continue;
    made.removeHeader(name);
    raw.removeHeader(name);
  }
  const standing = made.getHeaders();
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined || standing[name] !== undefined) continue;
    if ('raw' in made) made.header(name, copyOf(value));
    else made.setHeader(name, copyOf(value));
  }
  if (!raw.stream && raw.statusMessage) raw.statusMessage = '';
}

function copyOf<V extends Value | undefined>(value: V): V {
  return Array.isArray(value) ? ([...(value as readonly string[])] as unknown as V) : value;
}

function isSame(one: Value | undefined, other: Value | undefined): boolean {
  return one === other || (Array.isArray(one) && JSON.stringify(one) === JSON.stringify(other));
}

/** Takes from the response all that its handler has set, also what is set for it only as the answer is sent. */
export function takeHandlerHeaders(response: object): void {
  if (!earlier.has(response)) return;
  restoreEarlierHeaders(response);
  refuseLateCookies(response);
}

/**
 * Plugins of Fastify, and sessions of Express, set the cookies of a handler only as the answer is sent. Those from before the handler are
 * lost with them: nothing tells them apart.
 */
function refuseLateCookies(response: object): void {
  const raw = 'raw' in response ? (response as FastifyReply).raw : (response as RawResponse);
  const kept = earlier.get(response)?.[COOKIES];
  const { writeHead, setHeader, appendHeader } = raw;
  raw.writeHead = function (...args) {
    raw.removeHeader(COOKIES);
    if (kept !== undefined) setHeader.call(raw, COOKIES, kept);
    return writeHead.apply(this, args.map(withoutCookies));
  };
  // Middleware below may set them within that call.
  raw.setHeader = (name, value) => (isCookies(name) ? raw : setHeader.call(raw, name, value));
  if (appendHeader) raw.appendHeader = (name, value) => (isCookies(name) ? raw : appendHeader.call(raw, name, value));
}

function isCookies(name: unknown): boolean {
  return String(name).toLowerCase() === COOKIES;
}

/** Of the headers that are given with the head: an object, or names and values in turn or in pairs. */
function withoutCookies(headers: unknown): unknown {
  if (typeof headers !== 'object' || headers === null) return headers;
  if (!Array.isArray(headers)) return Object.fromEntries(Object.entries(headers).filter(([name]) => !isCookies(name)));
  const list = headers as unknown[];
  if (Array.isArray(list[0])) return list.filter((pair) => !isCookies((pair as unknown[])[0]));
  return list.filter((_, index) => !isCookies(list[index - (index % 2)]));
}
