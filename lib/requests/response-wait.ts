import type { ExecutionContext } from '@nestjs/common';
import type { Lock } from '../interfaces/index.js';
import type { HttpExchange } from './http-exchange.js';
import type { RequestTail } from './request-tails.js';
import { discardBody, isStreamBody } from './unsent-body.js';

/** How often it is looked whether the client reads, in milliseconds, at most. */
const LOOK_EVERY = 500;
const LOOKS = 10;

/** For how long a lock waits for a response. */
export interface Patience {
  /** In milliseconds, for a client that does not read. */
  readonly limit: number;
  /** Whether the application is shutting down, and waits for no such client any more. */
  readonly isClosing: () => boolean;
}

/** The latest of each request. */
const latest = new WeakMap<ExecutionContext, ResponseWait>();

/**
 * How long a lock is kept after the handler's end: until the whole response has been handed to the connection. For as
 * long as a part of it is yet to be produced, that may read what the lock guards.
 *
 * A client decides how fast it reads, and with it how long a stream takes. What the lock waits for that is limited; then
 * the response is cut short before others get the lock, as it is when the lock is lost.
 *
 * An interceptor outside (`retry`) may run the handler of the same request again. That is a lock of its own, and the
 * response will not end before it, so the locks that the earlier run still holds for it have to be released.
 */
export class ResponseWait {
  private handlerEnded = false;
  private stopWaiting?: () => void;
  private superseded = false;
  private finished?: Promise<void>;

  constructor(private readonly exchange: HttpExchange | undefined) {}

  /** @param finished - settles when the lock is free; never rejects */
  attach(context: ExecutionContext, finished: Promise<void>): void {
    this.finished = finished;
    latest.set(context, this);
  }

  /** Called before `attach`: ends the wait of an earlier run of the same request, and waits for its lock to be free. */
  async supersedeEarlier(context: ExecutionContext): Promise<void> {
    const earlier = latest.get(context);
    if (!earlier) return;
    earlier.superseded = true;
    // while its handler runs, only the queue for the lock can wait
    if (!earlier.handlerEnded) return;
    earlier.stopWaiting?.();
    await earlier.finished;
  }

  /** To be called before anybody is told of the handler's end, and may start it again. */
  noteHandlerEnd(): void {
    this.handlerEnded = true;
  }

  /**
   * Resolves when the response has been sent or will not be, or the lock is lost.
   *
   * @param body - what the handler returned
   * @returns false where the client did not read it in time, and it was cut short
   */
  async end({ signal }: Lock, body: unknown, { limit, isClosing }: Patience): Promise<boolean> {
    const { exchange } = this;
    if (!exchange || exchange.sent || this.superseded || signal.aborted) return true;
    let inTime = true;
    await new Promise<void>((resolve) => {
      // what the handler returned as a whole is in memory, even where a framework writes it piece by piece (Fastify does
      // over HTTP/2); a handler that returned nothing may be writing the response by hand
      const mayNeedLock = body === undefined || isStreamBody(body);
      const every = Math.min(LOOK_EVERY, Math.ceil(limit / LOOKS) || 1);
      let stalledFor = 0;
      const done = (): void => {
        clearInterval(looking);
        stopListening();
        signal.removeEventListener('abort', onLost);
        resolve();
      };
      const onLost = (): void => {
        if (mayNeedLock && (exchange.begun || body !== undefined)) this.cut(body);
        done();
      };
      const looking = setInterval(() => {
        if (!exchange.stalled) return;
        stalledFor += every;
        if (mayNeedLock) {
          if (stalledFor < limit && !isClosing()) return;
          inTime = false;
          this.cut(body);
        }
        done();
      }, every).unref();
      const stopListening = exchange.onceSent(done);
      signal.addEventListener('abort', onLost);
      this.stopWaiting = done;
    });
    return inTime;
  }

  /**
   * Resolves when `tails.all` have ended, which the lock encloses. It waits for none of them when the lock is lost, and for those
   * inside the lock alone when an interceptor runs the request again: one outside ends after that run.
   */
  async enclose(
    { signal }: Lock,
    { inner, all }: { readonly inner: readonly RequestTail[]; readonly all: readonly RequestTail[] },
  ): Promise<void> {
    if (all.length === 0) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.stopWaiting = done;
      signal.addEventListener('abort', done);
      void Promise.all(all.map(async ({ ended }) => ended)).then(done);
      if (this.superseded || signal.aborted) done();
    });
    if (!this.superseded || signal.aborted) return;
    for (const tail of inner) tail.giveUp();
    await Promise.all(inner.map(async ({ ended }) => ended));
  }

  private cut(body: unknown): void {
    if (this.exchange?.sent !== false) return;
    this.exchange.cut();
    discardBody(body);
  }
}
