import { Logger, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { defer, Observable, type Subscriber } from 'rxjs';
import { followSignal } from '../engine/runtime/abort-listeners.js';
import { unstartedWork } from '../engine/lock/unstarted-work.js';
import { LockLostError } from '../errors/index.js';
import type { Lock } from '../interfaces/index.js';
import type { LockingService } from '../module/locking.service.js';
import { HandlerRun } from './handler-run.js';
import { HttpExchange } from './http-exchange.js';
import { lostLate, notRead } from './interceptor.messages.js';
import type { LockRequestDefinition } from './lock-request.definition.js';
import { answerRefused, clientGone } from './refused-request.js';
import { nameHandler } from './request-context.js';
import { keysOfRequest } from './request-keys.js';
import { hasTails, tailsOf } from './request-tails.js';
import { ResponseWait } from './response-wait.js';
import { discardBody } from './unsent-body.js';

const logger = new Logger('LockInterceptor');

/** Runs the rest of a request under its lock, each subscription anew. */
export function lockRequest(
  locking: LockingService,
  definition: LockRequestDefinition,
  context: ExecutionContext,
  next: CallHandler,
): Observable<unknown> {
  return new Observable((subscriber) =>
    new LockedRequest(locking, definition, context, new HandlerRun(context, next, subscriber), subscriber).start(),
  );
}

class LockedRequest {
  private readonly exchange: HttpExchange | undefined;
  private readonly response: ResponseWait;
  private readonly abort = new AbortController();
  private entered = false;
  private told = false;
  private lossTold = false;

  constructor(
    private readonly locking: LockingService,
    private readonly definition: LockRequestDefinition,
    private readonly context: ExecutionContext,
    private readonly handler: HandlerRun,
    private readonly subscriber: Subscriber<unknown>,
  ) {
    this.exchange = HttpExchange.of(context);
    this.response = new ResponseWait(this.exchange);
  }

  /** @returns called when the last subscriber has gone */
  start(): () => void {
    const stopListening = this.exchange?.onceOver(() => {
      if (this.exchange?.clientGone) this.clientLeft();
    });
    if (this.exchange?.clientGone) this.leave();
    const finished = this.run().finally(stopListening);
    this.response.attach(this.context, finished);
    return () => {
      this.leave();
    };
  }

  private clientLeft(): void {
    // the answer is needed when the client comes again
    if (!this.entered || !hasTails(this.context)) this.leave();
  }

  /** The last subscriber has left. Not every Nest 11 and 12 unsubscribes when a client leaves. */
  private leave(): void {
    if (this.entered) this.handler.abandon();
    else this.abort.abort();
  }

  private async run(): Promise<void> {
    try {
      await this.response.supersedeEarlier(this.context);
      await this.execute();
    } catch (error) {
      if (!this.entered) this.refused(error);
      else if (!this.told) this.subscriber.error(error);
      else if (!this.lossTold) logger.warn(lostLate(nameHandler(this.context), (error as Error).message));
      return;
    }
    this.subscriber.complete();
  }

  private async execute(): Promise<unknown> {
    const { execute } = this.definition;
    const { signal } = this.abort;
    signal.throwIfAborted();
    const stopFollowing = execute.signal && followSignal(execute.signal, this.abort);
    try {
      return await this.locking.execute(keysOfRequest(this.definition, this.context), async (lock) => this.job(lock), {
        ...execute,
        signal,
      });
    } finally {
      stopFollowing?.();
    }
  }

  private async job(lock: Lock): Promise<unknown> {
    // the client may have left between the grant and this call
    this.abort.signal.throwIfAborted();
    this.entered = true;
    const handled = this.handler.follow(lock);
    const [outcome] = await Promise.allSettled([handled]);
    if (this.handler.busy) {
      // an interceptor inside has given up on the handler: that is the answer, but the lock is still needed
      this.tell(outcome, lock);
      await this.handler.idle();
      this.response.noteHandlerEnd();
    } else {
      // what is no response has nothing to wait for: its end is told once the lock is free, or found to have been lost
      // (the iterator of a GraphQL subscription is its answer, and not left undone by a job)
      if (!this.exchange) return handled.then((value) => (unstartedWork(value) ? undefined : value));
      this.response.noteHandlerEnd();
      // Nest sends the response only once it knows of the handler's end
      this.tell(outcome, lock);
    }
    const body = outcome.status === 'fulfilled' ? outcome.value : undefined;
    const { responseTimeout: limit } = this.definition;
    const inTime = await this.response.end(lock, body, { limit, isClosing: () => this.locking.isClosing });
    if (!inTime) logger.warn(notRead(nameHandler(this.context), limit));
    await this.response.enclose(lock, tailsOf(this.handler));
    return undefined;
  }

  private tell(outcome: PromiseSettledResult<unknown>, lock: Lock): void {
    const { subscriber } = this;
    this.told = true;
    if (lock.signal.aborted) {
      if (outcome.status === 'fulfilled') discardBody(outcome.value);
      this.lossTold = !subscriber.closed;
      subscriber.error(new LockLostError(lock.keys, (lock.signal.reason as Error).message, outcome));
    } else if (outcome.status === 'rejected') subscriber.error(outcome.reason);
    else if (this.isUnheard) subscriber.error(clientGone(this.context));
    else subscriber.complete();
  }

  /** Whether nobody is there for what the handler has come to. */
  private get isUnheard(): boolean {
    return this.exchange?.clientGone === true && (this.handler.abandoned || !hasTails(this.context));
  }

  private refused(error: unknown): void {
    const { subscriber, definition, context } = this;
    if (subscriber.closed) return;
    if (this.exchange?.clientGone) subscriber.error(clientGone(context));
    else subscriber.add(defer(() => answerRefused(error, definition.onUnavailable, context)).subscribe(subscriber));
  }
}
