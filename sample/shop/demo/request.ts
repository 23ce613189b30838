import { once } from 'node:events';
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

const TIMEOUT_MS = 15_000;

/** An agent of our own, as the connections of `fetch` cannot be closed. */
const agent = new Agent({ keepAlive: true });
const closed = new AbortController();

export interface Response {
  readonly status: number;
  readonly data: unknown;
}

/** One HTTP request with JSON both ways. */
export async function request(method: string, url: string, body?: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), closed.signal]);
  const outgoing = send(url, { method, headers, agent, signal });
  outgoing.end(body && JSON.stringify(body));
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const answer = await text(incoming);
  return { status: incoming.statusCode ?? 0, data: answer === '' ? undefined : JSON.parse(answer) };
}

/** The same, but throws if the answer is no success. */
export async function expectOk<T = void>(method: string, url: string, body?: object): Promise<T> {
  const { status, data } = await request(method, url, body);
  if (status >= 300) throw new Error(`${method} ${url} answered ${status}: ${JSON.stringify(data)}`);
  return data as T;
}

/** Ends all connections: a server that closes waits for those that are still in use. */
export function closeConnections(): void {
  closed.abort();
  agent.destroy();
}
