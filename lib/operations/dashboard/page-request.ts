import type { ViewerLine } from './viewers.js';

/** A request, as far as it is the same on Express and Fastify. */
export interface PageRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly ip?: string | undefined;
  readonly socket?: PageSocket | undefined;
}

interface PageSocket {
  destroy?(): unknown;
}

/** The response of Express, or of Node behind that of Fastify. */
export interface PageResponse extends PageSocket {
  /** How much of this response alone has not left yet: over HTTP/2 several share a connection. */
  readonly writableLength?: number | undefined;
  /** Over HTTP/2. */
  readonly stream?: object | undefined;
  readonly raw?: PageResponse | undefined;
}

/** The header that only scripts of the same origin can send, unless the server allows others to. */
const REQUEST_HEADER = 'x-nestjs-locking';

/**
 * Whether a script of the page has sent it, and no other page in the same browser. `X-Forwarded-Host` counts only where it is
 * said to be a proxy's: a script of another page may set it as well, once the server allows that.
 */
export function isFromPage({ headers }: PageRequest, trustProxy: boolean): boolean {
  if (one(headers[REQUEST_HEADER]) !== 'dashboard') return false;
  if (!/^application\/json\b/i.test(one(headers['content-type']) ?? '')) return false;
  const site = one(headers['sec-fetch-site']);
  if (site !== undefined && site !== 'same-origin') return false;
  return isSameHost(one(headers.origin), hostOf({ headers }, trustProxy));
}

/** What the request calls this server, with a port if that is not the usual one. HTTP/2 has a header of its own for it. */
export function hostOf({ headers }: PageRequest, trustProxy: boolean): string | undefined {
  const forwarded = trustProxy ? one(headers['x-forwarded-host']) : undefined;
  return forwarded ?? one(headers.host) ?? one(headers[':authority']);
}

/** What leads to the page: the connection of the request, or its stream over HTTP/2, where other requests share the connection. */
export function lineOf({ socket }: PageRequest, response: PageResponse): ViewerLine {
  const answer = response.raw ?? response;
  return {
    get isBehind() {
      return (answer.writableLength ?? 0) > 0;
    },
    drop: () => {
      (answer.stream ? answer : socket)?.destroy?.();
    },
  };
}

/** The address of the client. */
export function clientOf({ ip }: PageRequest): string {
  return ip ?? 'an unknown client';
}

/** Browsers leave the usual port of the scheme out of `Origin`, and proxies may write it into `Host`. */
function isSameHost(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined || /[/?#@\\\s]/.test(host) || !URL.canParse(origin)) return false;
  const { protocol, host: expected } = new URL(origin);
  const called = `${protocol}//${host}`;
  return expected !== '' && URL.canParse(called) && new URL(called).host === expected;
}

function one(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
