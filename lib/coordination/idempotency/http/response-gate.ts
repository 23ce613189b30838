import type { ExecutionContext } from '@nestjs/common';
import { HttpExchange } from '../../../requests/http-exchange.js';
import { isStreamBody } from '../../../requests/unsent-body.js';
import { refuseLateCookies, restoreEarlierHeaders } from './earlier-headers.js';
import { bodyOf, type Answer } from './stored-answer.js';

/** How long a framework may take to send an answer to a client that has left, in milliseconds. */
const GRACE = 1000;

/** The part of the responses of Express, and of Node, that is needed. */
interface ExpressResponse {
  statusCode: number;
  readonly headersSent: boolean;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string): unknown;
  removeHeader(name: string): void;
  end: (this: unknown, ...args: unknown[]) => unknown;
}

/** The part of the replies of Fastify that is needed. */
interface FastifyReply {
  readonly raw: { readonly headersSent: boolean };
  /** Also where the handler has taken the response over (`hijack`). */
  readonly sent: boolean;
  readonly statusCode: number;
  code(status: number): unknown;
  getHeader(name: string): unknown;
  header(name: string, value: string): unknown;
  removeHeader(name: string): unknown;
  serialize(payload: unknown): string;
  send: (this: unknown, payload?: unknown) => unknown;
}

/** The content that is sent: an answer, or something that cannot be repeated. */
export type Sent = Answer | 'stream' | undefined;

/** What an answer has that is replaced by another one. */
const OF_BODY = ['content-type', 'content-length', 'etag'];

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * Stands between the frameworks and the response: sees the answer as it is about to leave, after all interceptors and
 * filters, and keeps it back until it is stored.
 */
export class ResponseGate {
  private readonly exchange: HttpExchange | undefined;
  private capture: (sent: Sent) => void = () => undefined;
  private letGo: (() => void) | undefined;
  private replacement: { readonly answer: Answer; readonly isRefusal: boolean } | undefined;
  private opened = false;

  private constructor(
    context: ExecutionContext,
    private readonly response: ExpressResponse | FastifyReply,
    private readonly headers: readonly string[],
  ) {
    this.exchange = HttpExchange.of(context);
  }

  /** @param headers - the names of the headers that are captured */
  static of(context: ExecutionContext, headers: readonly string[]): ResponseGate {
    return new ResponseGate(context, context.getArgByIndex<ExpressResponse | FastifyReply>(1), headers);
  }

  /** Whether the client has got an answer already. */
  get answered(): boolean {
    const { exchange } = this;
    return exchange?.sent === true && !exchange.clientGone;
  }

  get status(): number {
    return this.response.statusCode;
  }

  setHeader(name: string, value: string): void {
    const { response } = this;
    if ('raw' in response) response.header(name, value);
    else response.setHeader(name, value);
  }

  /**
   * From now on an answer is kept back until `open` is called. Resolves with it; with `undefined` where none is sent, as the
   * client has left, or an interceptor outside has answered.
   */
  async shut(): Promise<Sent> {
    const { exchange, response } = this;
    let timer: NodeJS.Timeout | undefined;
    let stopListening: (() => void) | undefined;
    const sent = await new Promise<Sent>((resolve) => {
      this.capture = resolve;
      const giveUp = (): void => {
        timer ??= setTimeout(resolve, GRACE, undefined);
      };
      if ('raw' in response) this.hookSend(response);
      else this.hookEnd(response);
      stopListening = exchange?.onceOver(giveUp);
      // Nothing follows what was sent. Of a client that has left, the answer may still be made.
      if (this.answered) resolve(undefined);
      else if (exchange?.over) giveUp();
    });
    clearTimeout(timer);
    stopListening?.();
    return sent;
  }

  /** As `shut`, but the answer is not kept back. */
  async watch(): Promise<Sent> {
    this.opened = true;
    return this.shut();
  }

  /** No answer will come: the call of `shut` resolves. */
  giveUp(): void {
    this.capture(undefined);
  }

  /** Lets the answer go. */
  open(): void {
    this.opened = true;
    this.letGo?.();
  }

  /** Sends `answer` in place of that of the handler, without the headers that this has set. */
  refuse(answer: Answer): void {
    this.replacement = { answer, isRefusal: true };
    this.open();
  }

  /** From now on the client gets `answer` in place of any other content. */
  replace(answer: Answer): void {
    this.replacement = { answer, isRefusal: false };
    this.open();
    const { response } = this;
    if ('raw' in response) this.hookSend(response);
    else this.hookEnd(response);
  }

  private hookEnd(response: ExpressResponse): void {
    const { end } = response;
    response.end = (...args) => {
      if (response.headersSent) {
        response.end = end;
        this.capture('stream');
        return end.apply(response, args);
      }
      // Until the answer is stored, nothing else can end the response.
      response.end = () => response;
      this.pass(answerOf(args[0], args[1]), () => {
        response.end = end;
        const { replacement } = this;
        if (!replacement) {
          end.apply(response, args);
          return;
        }
        const { answer, isRefusal } = replacement;
        if (isRefusal) takeHeaders(response);
        for (const name of OF_BODY) response.removeHeader(name);
        response.statusCode = answer.status;
        const body = bodyOf(answer);
        for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
        if (body !== undefined) response.setHeader('content-length', String(Buffer.byteLength(body)));
        end.call(response, body);
      });
      return response;
    };
  }

  private hookSend(reply: FastifyReply): void {
    const { send } = reply;
    const isOwn = Object.hasOwn(reply, 'send');
    // Nest waits for what it returns. That must not be the reply, which is a thenable of its own.
    const restore = (): void => {
      if (isOwn) reply.send = send;
      else delete (reply as { send?: unknown }).send;
    };
    reply.send = (payload) => {
      if (payload instanceof Error || isStream(payload)) {
        restore();
        this.capture(payload instanceof Error ? undefined : 'stream');
        return send.call(reply, payload);
      }
      // What else was sent, or is being sent in pieces, did not come this way.
      if (reply.raw.headersSent || reply.sent) {
        restore();
        this.capture('stream');
        return send.call(reply, payload);
      }
      // What cannot be written as JSON throws here as it would there, and what a filter sends instead comes this way again.
      const answer = payloadAnswer(payload, reply);
      reply.send = () => undefined;
      return new Promise<void>((resolve) => {
        this.pass(answer, () => {
          restore();
          const { replacement } = this;
          resolve();
          if (!replacement) {
            send.call(reply, payload);
            return;
          }
          const { answer: sent, isRefusal } = replacement;
          if (isRefusal) takeHeaders(reply);
          for (const name of OF_BODY) reply.removeHeader(name);
          reply.code(sent.status);
          for (const [name, value] of Object.entries(sent.headers)) reply.header(name, value);
          send.call(reply, bodyOf(sent));
        });
      });
    };
  }

  private pass(body: Partial<Answer>, letGo: () => void): void {
    this.captureAnswer(body);
    if (this.opened) letGo();
    else this.letGo = letGo;
  }

  private captureAnswer(body: Partial<Answer>): void {
    const { response } = this;
    const headers: Record<string, string> = {};
    for (const name of this.headers) {
      const value = response.getHeader(name);
      if (typeof value === 'string' || typeof value === 'number') headers[name] = String(value);
      else if (Array.isArray(value)) headers[name] = value.join(', ');
    }
    this.capture({ status: response.statusCode, ...body, headers: { ...headers, ...body.headers } });
  }
}

/** Takes from the response all that its handler has set. */
function takeHeaders(response: object): void {
  restoreEarlierHeaders(response);
  refuseLateCookies(response);
}

function answerOf(chunk: unknown, encoding: unknown): Partial<Answer> {
  if (typeof chunk === 'string') {
    const isText = typeof encoding !== 'string' || /^utf-?8$/i.test(encoding);
    return isText ? { body: chunk } : bytesAnswer(Buffer.from(chunk, encoding as BufferEncoding));
  }
  return chunk instanceof Uint8Array ? bytesAnswer(chunk) : {};
}

/** Text is stored as it is, which is smaller and can be read by people. */
function bytesAnswer(bytes: Uint8Array): Partial<Answer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(buffer)) return { body: text };
  return { body: buffer.toString('base64'), bytes: true };
}

/** As it leaves after the response schema of the route, which may leave fields out. */
function payloadAnswer(payload: unknown, reply: FastifyReply): Partial<Answer> {
  const type = reply.getHeader('content-type');
  if (payload === undefined) return {};
  if (typeof payload === 'string') return { body: payload };
  if (payload instanceof Uint8Array) {
    return {
      ...(type === undefined && { headers: { 'content-type': 'application/octet-stream' } }),
      ...bytesAnswer(payload),
    };
  }
  return { ...(type === undefined && { headers: { 'content-type': JSON_TYPE } }), body: reply.serialize(payload) };
}

function isStream(payload: unknown): boolean {
  return isStreamBody(payload) || typeof (payload as { pipe?: unknown } | null | undefined)?.pipe === 'function';
}
