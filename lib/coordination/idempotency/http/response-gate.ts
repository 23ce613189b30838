import { Logger, type ExecutionContext } from '@nestjs/common';
import { HttpExchange } from '../../../requests/http-exchange.js';
import { isStreamBody } from '../../../requests/unsent-body.js';
import { takeHandlerHeaders } from '../../../requests/earlier-headers.js';
import { nameHandler } from '../../../requests/request-context.js';
import { assertSendable } from './assert-sendable.js';
import { notSent, notSentByFilter } from './http.messages.js';
import { answerOf, payloadAnswer, payloadOf } from './sent-body.js';
import { bodyOf, type Answer } from './stored-answer.js';

const logger = new Logger('IdempotencyInterceptor');

/** How long a framework may take to send an answer to a client that has left, in milliseconds. */
const GRACE = 1000;

/** The part of the responses of Node that is needed; those of Express have it as well. */
interface RawResponse {
  statusCode: number;
  statusMessage?: string | undefined;
  readonly headersSent: boolean;
  /** Of HTTP/2, which has no status messages. */
  readonly stream?: object;
  getHeader(name: string): unknown;
  getHeaders(): Readonly<Record<string, number | string | readonly string[] | undefined>>;
  setHeader(name: string, value: string): unknown;
  removeHeader(name: string): void;
  end: (this: unknown, ...args: unknown[]) => unknown;
}

/** The part of the replies of Fastify that is needed. */
interface FastifyReply {
  readonly raw: RawResponse;
  /** Also where the handler has taken the response over (`hijack`). */
  readonly sent: boolean;
  readonly statusCode: number;
  code(status: number): unknown;
  getHeader(name: string): unknown;
  getHeaders(): Readonly<Record<string, number | string | readonly string[] | undefined>>;
  header(name: string, value: string): unknown;
  removeHeader(name: string): unknown;
  serialize(payload: unknown): string;
  send: (this: unknown, payload?: unknown) => unknown;
}

/** The content that is sent: an answer, or something that cannot be repeated. */
export type Sent = Answer | 'stream' | undefined;

/** In place of an answer of a filter that cannot be sent. */
const FAILED = { status: 500 };

/** What an answer has that is replaced by another one. */
const OF_BODY = ['content-type', 'content-length', 'etag'];

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
  /** Whether an answer is kept back. */
  private isHeld = false;
  private unheard = false;
  /** Whether a filter answers. Nothing catches what is thrown at an asynchronous one: it would end the process. */
  private isFailing = false;

  private constructor(
    private readonly context: ExecutionContext,
    private readonly response: RawResponse | FastifyReply,
    private readonly headers: readonly string[],
  ) {
    this.exchange = HttpExchange.of(context);
  }

  /** @param headers - the names of the headers that are captured */
  static of(context: ExecutionContext, headers: readonly string[]): ResponseGate {
    return new ResponseGate(context, context.getArgByIndex<RawResponse | FastifyReply>(1), headers);
  }

  /** Whether the client has got an answer already. */
  get answered(): boolean {
    const { exchange } = this;
    return exchange?.sent === true && !exchange.clientGone;
  }

  /** Whether the client had left before the answer was made that was caught. */
  get isUnheard(): boolean {
    return this.unheard;
  }

  get status(): number {
    return this.response.statusCode;
  }

  setHeader(name: string, value: string): void {
    const { response } = this;
    if ('raw' in response) response.header(name, value);
    // Of Fastify as well: a filter may answer past the reply.
    ('raw' in response ? response.raw : response).setHeader(name, value);
  }

  /**
   * From now on an answer is kept back until `open` is called. Resolves with it; with `undefined` where none is sent, as the
   * client has left, or an interceptor outside has answered.
   */
  async shut(): Promise<Sent> {
    const { exchange } = this;
    let timer: NodeJS.Timeout | undefined;
    let stopListening: (() => void) | undefined;
    const sent = await new Promise<Sent>((resolve) => {
      this.capture = resolve;
      const giveUp = (): void => {
        timer ??= setTimeout(resolve, GRACE, undefined);
      };
      this.hook();
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

  /** The handler has failed: what comes next is the answer of a filter. */
  expectFilter(): void {
    this.isFailing = true;
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
    this.hook();
  }

  private hook(): void {
    const { response } = this;
    if ('raw' in response) this.hookReply(response);
    else this.hookEnd(response);
  }

  private hookEnd(response: RawResponse): () => void {
    const { end } = response;
    let isPassing = false;
    const hooked = (...args: unknown[]): unknown => {
      if (isPassing) return end.apply(response, args);
      // Until the answer is stored, nothing else can end the response.
      if (this.isHeld) return response;
      if (response.headersSent) {
        restore();
        this.capture('stream');
        return end.apply(response, args);
      }
      const refused = this.refusalOf(() => {
        assertSendable(response, response);
      });
      this.hold(response, refused ? FAILED : answerOf(args[0], args[1]), () => {
        restore();
        const { replacement } = this;
        if (!replacement) {
          if (refused) this.fail(response);
          else end.apply(response, args);
          return;
        }
        const { answer, isRefusal } = replacement;
        if (isRefusal) takeHandlerHeaders(this.response);
        for (const name of OF_BODY) response.removeHeader(name);
        response.statusCode = answer.status;
        const body = bodyOf(answer);
        for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
        const hasLength = body !== undefined && answer.status !== 204 && answer.status !== 304;
        if (hasLength) response.setHeader('content-length', String(Buffer.byteLength(body)));
        end.call(response, body);
      });
      return response;
    };
    // Others may have replaced it meanwhile, and call it.
    const restore = (): void => {
      isPassing = true;
      if (response.end === hooked) response.end = end;
    };
    response.end = hooked;
    return restore;
  }

  private hookReply(reply: FastifyReply): void {
    const { send } = reply;
    const isOwn = Object.hasOwn(reply, 'send');
    // Not all that answers goes by the reply.
    const restoreEnd = this.hookEnd(reply.raw);
    const restore = (): void => {
      restoreEnd();
      if (isOwn) reply.send = send;
      else delete (reply as { send?: unknown }).send;
    };
    // Nest waits for what it returns. That must not be the reply, which is a thenable of its own.
    reply.send = (payload) => {
      if (this.isHeld) return undefined;
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
      let answer: Partial<Answer> = FAILED;
      const refused = this.refusalOf(() => {
        assertSendable(reply, reply.raw);
        answer = payloadAnswer(payload, reply);
      });
      return new Promise<void>((resolve) => {
        this.hold(reply, answer, () => {
          restore();
          const { replacement } = this;
          resolve();
          if (!replacement) {
            // Fastify answers with its handler of errors, as it does where a filter throws.
            if (refused) reply.code(FAILED.status);
            send.call(reply, refused ?? payload);
            return;
          }
          const { answer: sent, isRefusal } = replacement;
          if (isRefusal) takeHandlerHeaders(reply);
          for (const name of OF_BODY) reply.removeHeader(name);
          reply.code(sent.status);
          for (const [name, value] of Object.entries(sent.headers)) reply.header(name, value);
          send.call(reply, isRefusal ? bodyOf(sent) : payloadOf(sent));
        });
      });
    };
  }

  /**
   * Why an answer cannot be sent, according to `check`. That of the handler is refused by throwing at once, as Node and Fastify do it:
   * what a filter sends instead comes this way again. That of a filter is answered for by the gate.
   */
  private refusalOf(check: () => void): Error | undefined {
    try {
      check();
      return undefined;
    } catch (error) {
      if (!this.isFailing) {
        this.isFailing = true;
        throw error;
      }
      logger.error(notSentByFilter(nameHandler(this.context), error));
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Keeps back what `letGo` sends, unless the gate is open. */
  private hold(response: RawResponse | FastifyReply, body: Partial<Answer>, letGo: () => void): void {
    this.isHeld = true;
    this.unheard = this.exchange?.clientGone === true;
    this.letGo = () => {
      this.isHeld = false;
      try {
        letGo();
      } catch (error) {
        logger.error(notSent(nameHandler(this.context), error));
        this.fail('raw' in response ? response.raw : response);
      }
    };
    this.captureAnswer(response, body);
    if (this.opened) this.letGo();
  }

  /** The framework has refused to send the answer, and no filter is there any more to answer in its place. */
  private fail(response: RawResponse): void {
    if (response.headersSent) {
      this.exchange?.cut();
      return;
    }
    for (const name of Object.keys(response.getHeaders())) response.removeHeader(name);
    response.statusCode = FAILED.status;
    if (!response.stream) response.statusMessage = undefined;
    response.end();
  }

  private captureAnswer(response: RawResponse | FastifyReply, body: Partial<Answer>): void {
    const headers: Record<string, string> = {};
    for (const name of this.headers) {
      const value = response.getHeader(name);
      if (typeof value === 'string' || typeof value === 'number') headers[name] = String(value);
      else if (Array.isArray(value)) headers[name] = value.join(', ');
    }
    this.capture({ status: response.statusCode, ...body, headers: { ...headers, ...body.headers } });
  }
}

function isStream(payload: unknown): boolean {
  return isStreamBody(payload) || typeof (payload as { pipe?: unknown } | null | undefined)?.pipe === 'function';
}
