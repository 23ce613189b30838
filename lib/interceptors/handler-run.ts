import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { isObservable, Subject, takeUntil, type Subscriber } from 'rxjs';
import type { Lock } from '../interfaces/index.js';
import { discardBody } from './unsent-body.js';

/** Emptied at the end: what the handler leaves running must not keep its request in memory. */
const storage = new AsyncLocalStorage<{ run: HandlerRun | undefined }>();

/** The innermost handler that is running under a request's lock around this call. */
export function currentRun(): HandlerRun | undefined {
  return storage.getStore()?.run;
}

/**
 * One run of a handler (with the interceptors and pipes before it) under the lock, and the question when it is over.
 *
 * That question is why it does not just unsubscribe when nobody listens any more, because a client has left or a time
 * limit has passed: it can stop an Observable, but not a Promise, which runs on. Nest shows interceptors an Observable
 * in either case. So unless the handler is known to have returned an Observable, the run goes on until its first value.
 */
export class HandlerRun {
  private readonly stopped = new Subject<void>();
  private streaming = false;
  private abandoned = false;

  constructor(
    readonly context: ExecutionContext,
    private readonly next: CallHandler,
    private readonly subscriber: Subscriber<unknown>,
  ) {}

  /** Passes the handler's values on; resolves with the last one when it is over, rejects with the handler's error. */
  async follow(lock: Lock): Promise<unknown> {
    const store: { run: HandlerRun | undefined } = { run: this };
    const onLost = (): void => {
      if (this.streaming) this.stop();
    };
    lock.signal.addEventListener('abort', onLost);
    try {
      return await storage.run(store, async () => this.subscribe(lock));
    } finally {
      store.run = undefined;
      lock.signal.removeEventListener('abort', onLost);
    }
  }

  /** Nobody listens any more. */
  abandon(): void {
    this.abandoned = true;
    if (this.streaming) this.stop();
  }

  /** What the handler itself has returned, where that is known. */
  returned(result: unknown): void {
    if (isObservable(result)) {
      this.streaming = true;
      if (this.abandoned) this.stop();
    } else if (result instanceof Promise) {
      result.then(
        (value: unknown) => {
          if (isObservable(value)) this.returned(value);
        },
        () => undefined,
      );
    }
  }

  private async subscribe(lock: Lock): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let last: unknown;
      const next = (value: unknown): void => {
        last = value;
        this.streaming = true;
        // of a lost lock nothing is passed on: the request is about to fail, with the value in its outcome
        if (!this.abandoned && !lock.signal.aborted) {
          this.subscriber.next(value);
          return;
        }
        discardBody(value);
        this.stop();
      };
      const complete = (): void => {
        resolve(last);
      };
      this.next.handle().pipe(takeUntil(this.stopped)).subscribe({ next, error: reject, complete });
    });
  }

  private stop(): void {
    this.stopped.next();
  }
}
