import type { ViewerLine } from './viewers.js';

/** A request, as far as it is the same on Express and Fastify. */
export interface PageRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly ip?: string | undefined;
  readonly socket?: PageSocket | undefined;
}

interface PageSocket {
  readonly writableLength?: number | undefined;
  destroy?(): unknown;
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
  const origin = hostIn(one(headers.origin));
  return origin !== undefined && hostOf({ headers }, trustProxy)?.toLowerCase() === origin;
}

/** What the request calls this server, with a port if that is not the usual one. HTTP/2 has a header of its own for it. */
export function hostOf({ headers }: PageRequest, trustProxy: boolean): string | undefined {
  const forwarded = trustProxy ? one(headers['x-forwarded-host']) : undefined;
  return forwarded ?? one(headers.host) ?? one(headers[':authority']);
}

/** The connection of the request. */
export function lineOf({ socket }: PageRequest): ViewerLine {
  return {
    get isBehind() {
      return (socket?.writableLength ?? 0) > 0;
    },
    drop: () => {
      socket?.destroy?.();
    },
  };
}

/** The address of the client. */
export function clientOf({ ip }: PageRequest): string {
  return ip ?? 'an unknown client';
}

function hostIn(origin: string | undefined): string | undefined {
  if (origin === undefined || !URL.canParse(origin)) return undefined;
  return new URL(origin).host;
}

function one(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
