import type { ExecutionContext } from '@nestjs/common';
import { onceClosed, type Closable } from './once-closed.js';

/** The part of Node's responses that is needed, of HTTP/1 and HTTP/2 alike. */
interface RawResponse extends Closable {
  readonly headersSent?: boolean;
  readonly writableEnded?: boolean;
  readonly writableFinished?: boolean;
  readonly writableNeedDrain?: boolean;
  readonly stream?: {
    readonly destroyed?: boolean;
    readonly writableNeedDrain?: boolean;
    close?(code: number): void;
  };
  end?: (...args: never[]) => unknown;
  destroy?(): void;
}

/** The part of the connection that is needed. */
interface Connection extends Closable {
  destroy?(): void;
}

/** NGHTTP2_INTERNAL_ERROR: how a response of HTTP/2 that cannot go on is reset. */
const RESET = 2;

/** The response of an HTTP request and the connection it goes over, under Express and Fastify. */
export class HttpExchange {
  private seenOver = false;

  private constructor(
    private readonly response: RawResponse,
    private readonly socket: Connection | undefined,
  ) {}

  /** `undefined` for anything but HTTP, and where a library passes its own calls off as HTTP. */
  static of(context: ExecutionContext): HttpExchange | undefined {
    if (context.getType<string>() !== 'http') return undefined;
    const [request, response] = context.getArgs<[unknown, unknown]>().map(unwrap);
    if (!isClosable(response)) return undefined;
    const socket: unknown = (request as { socket?: unknown } | undefined)?.socket;
    return new HttpExchange(response, isClosable(socket) ? socket : undefined);
  }

  /** Whether the response has been sent, or the client has left. */
  get over(): boolean {
    const { response, socket } = this;
    return [
      this.seenOver,
      response.writableFinished,
      response.destroyed,
      response.stream?.destroyed,
      socket?.destroyed,
    ].includes(true);
  }

  /** Whether the whole response has been handed to the connection, however long the client takes to read it. */
  get sent(): boolean {
    return this.over || this.response.writableEnded === true;
  }

  /** Whether a part of the response has been handed to the connection. */
  get begun(): boolean {
    return this.response.headersSent === true;
  }

  /** Whether the rest of the response waits for the client to read what there is. */
  get stalled(): boolean {
    const { response } = this;
    return !this.sent && (response.stream ?? response).writableNeedDrain === true;
  }

  /** Whether the client has left before it was answered. */
  get clientGone(): boolean {
    return this.over && this.response.writableEnded !== true;
  }

  /** Ends a response in the middle, so that the client sees that it is not whole. */
  cut(): void {
    const { response, socket } = this;
    if (response.stream?.close) {
      response.stream.close(RESET);
      return;
    }
    response.destroy?.();
    // a pipelined response that waits for its turn has no connection of its own to destroy yet
    socket?.destroy?.();
  }

  /**
   * Calls `callback` once the response is `sent`. Nothing tells of that but the call of `end`: "finish" waits for the
   * client to read, and for earlier responses on a connection with pipelined requests.
   *
   * @returns a function that stops listening
   */
  onceSent(callback: () => void): () => void {
    const { response } = this;
    const { end } = response;
    const isOwn = Object.hasOwn(response, 'end');
    const noting = function (this: unknown, ...args: never[]): unknown {
      const result = end?.apply(this, args);
      callback();
      return result;
    };
    response.end = noting;
    const leave = this.onceOver(callback);
    return () => {
      leave();
      if (response.end !== noting) return;
      if (isOwn) response.end = end;
      else delete response.end;
    };
  }

  /** @returns a function that stops listening */
  onceOver(callback: () => void): () => void {
    const { response, socket } = this;
    const note = (): void => {
      this.seenOver = true;
      callback();
    };
    // "finish" as well, since a simulated request (Fastify's inject) is never closed
    response.once('finish', note);
    response.once('close', note);
    // a pipelined response that waits for its turn does not learn that its connection is gone
    const leaveSocket = socket && onceClosed(socket, note);
    return () => {
      response.removeListener('finish', note);
      response.removeListener('close', note);
      leaveSocket?.();
    };
  }
}

/** Fastify wraps Node's request and response. */
function unwrap(value: unknown): unknown {
  return (value as { raw?: unknown } | null | undefined)?.raw ?? value;
}

function isClosable(value: unknown): value is Closable {
  const emitter = value as Partial<Closable> | null | undefined;
  return typeof emitter?.once === 'function' && typeof emitter.removeListener === 'function';
}
