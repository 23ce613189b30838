import type { ExecutionContext } from '@nestjs/common';
import { onceClosed, type Closable } from './once-closed.js';

/** What is needed of Node's responses, of HTTP/1 and HTTP/2 alike. */
interface RawResponse extends Closable {
  readonly destroyed?: boolean;
  readonly writableEnded?: boolean;
  readonly writableFinished?: boolean;
  readonly stream?: { readonly destroyed?: boolean };
}

/** The response of an HTTP request and the connection it goes over, under Express and Fastify. */
export class HttpExchange {
  private seenOver = false;

  private constructor(
    private readonly response: RawResponse,
    private readonly socket: Closable | undefined,
  ) {}

  /** `undefined` for anything but HTTP, and where a library passes its own calls off as HTTP. */
  static of(context: ExecutionContext): HttpExchange | undefined {
    if (context.getType<string>() !== 'http') return undefined;
    const [request, response] = context.getArgs<[unknown, unknown]>().map(unwrap);
    if (!isClosable(response)) return undefined;
    const socket: unknown = (request as { socket?: unknown } | undefined)?.socket;
    return new HttpExchange(response, isClosable(socket) ? socket : undefined);
  }

  /** Whether the response has been sent, or nobody is there to get it. */
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

  /** Whether the client has left before it was answered. */
  get clientGone(): boolean {
    return this.over && this.response.writableEnded !== true;
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
