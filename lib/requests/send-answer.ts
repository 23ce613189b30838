import { takeHandlerHeaders } from './earlier-headers.js';
import type { LockFailureAnswer } from './lock-failure.js';

/** What Node's responses have. */
interface RawResponse {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string): void;
  end(body?: string): void;
}

/** What responses of Express and replies of Fastify have in common. */
interface FrameworkResponse {
  status(code: number): this;
  header(name: string, value: string): this;
  send(body: unknown): unknown;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * Sends an HTTP answer through whatever response there is. Nest's HTTP adapter would do it too, but a filter made with
 * `new` for `useGlobalFilters` has none.
 */
export function sendHttp(response: unknown, answer: LockFailureAnswer): void {
  const raw = ((response as { raw?: unknown }).raw ?? response) as RawResponse;
  const { sent } = response as { sent?: boolean };
  if (raw.headersSent || sent) {
    // too late to say anything; as Nest does
    raw.end();
    return;
  }
  takeHandlerHeaders(response as object);
  // the type again, as the handler may have set another one for its own answer
  const headers: [name: string, value: string][] = [['Content-Type', JSON_TYPE]];
  if (answer.retryAfter !== undefined) headers.push(['Retry-After', String(answer.retryAfter)]);

  if (isFrameworkResponse(response)) {
    response.status(answer.body.statusCode);
    for (const [name, value] of headers) response.header(name, value);
    response.send(answer.body);
  } else {
    // middleware under Fastify gets Node's own response
    raw.statusCode = answer.body.statusCode;
    for (const [name, value] of headers) raw.setHeader(name, value);
    raw.end(JSON.stringify(answer.body));
  }
}

/** The answer to a message, in the form that Nest's own filters give it. */
export function asMessageError({ body: { message, code } }: LockFailureAnswer): object {
  return { status: 'error', message, code };
}

/** Sends an `exception` event to a WebSocket client. */
export function sendWs(client: unknown, answer: LockFailureAnswer): void {
  const data = asMessageError(answer);
  const socket = client as {
    readyState?: unknown;
    send?: (text: string) => void;
    emit?: (event: string, data: unknown) => void;
  };
  // native sockets have an emit() as well, which stays within the process
  if (typeof socket.readyState === 'number') socket.send?.(JSON.stringify({ event: 'exception', data }));
  else socket.emit?.('exception', data);
}

/** A resolver that returns an error has failed with it; GraphQL shows `extensions` to the client as they are. */
export function asGraphqlError({ body: { message, code } }: LockFailureAnswer): Error {
  return Object.assign(new Error(message), { extensions: { code } });
}

function isFrameworkResponse(response: unknown): response is FrameworkResponse {
  const { status, header, send } = response as Partial<FrameworkResponse>;
  return typeof status === 'function' && typeof header === 'function' && typeof send === 'function';
}
