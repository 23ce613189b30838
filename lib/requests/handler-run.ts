import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { isObservable, Observable, Subject, takeUntil, type Subscriber } from 'rxjs';
import { LockConfigurationError, LockLostError } from '../errors/index.js';
import type { Lock } from '../interfaces/index.js';
import { noteEarlierHeaders } from './earlier-headers.js';
import { generatorHandler, handlerTooLate } from './interceptor.messages.js';
import { nameHandler } from './request-context.js';
import { discardBody } from './unsent-body.js';

/** What the interceptors, pipes and the handler of a locked request run in. */
interface RunScope {
  /** Emptied at the end: what the handler leaves running must not keep its request in memory. */
  readonly current: { run: HandlerRun | undefined };
  readonly handler: object;
  readonly keys: readonly string[];
  /** Whether this is inside a call of the handler: a call that it makes of itself is an ordinary one. */
  readonly inside: boolean;
}

const storage = new AsyncLocalStorage<RunScope>();

/** The handler of the request of `context` that is running under the request's lock around this call. */
export function currentRunOf(context: ExecutionContext): HandlerRun | undefined {
  const run = storage.getStore()?.current.run;
  return run?.context === context ? run : undefined;
}

/**
 * Calls a handler; as part of its request, where this is Nest's call of it.
 *
 * @param isHandler - whether `method` is what Nest takes for the handler of a request
 */
export function callHandler(isHandler: (handler: object) => boolean, method: () => unknown): unknown {
  const scope = storage.getStore();
  if (!scope || scope.inside || !isHandler(scope.handler)) return method();
  const { run } = scope.current;
  if (!run) throw new LockLostError(scope.keys, handlerTooLate(scope.keys));
  return run.call(method);
}

/**
 * One run of a handler (with the interceptors and pipes before it) under the lock, and the question when it is over.
 *
 * It is over when Nest's chain of interceptors has ended **and** no call of the handler is under way. The two differ
 * when a subscriber leaves, because a client has left or a time limit has passed: that ends an Observable, but a
 * Promise runs on. Nest shows interceptors an Observable in either case. Hence the handler's calls are counted, and
 * when an outer interceptor or the client has gone, the chain goes on until its first value, unless the handler is
 * known to have returned an Observable. An interceptor inside the lock may need the handler's outcome all the same
 * (`@Idempotent`): then the chain goes on to its end.
 */
export class HandlerRun {
  private readonly stopped = new Subject<void>();
  private streaming = false;
  private isAbandoned = false;
  private isNeeded = false;
  private isStopped = false;
  private chainEnded = false;
  /** Calls of the handler, and subscriptions to what it returned, that have not ended. */
  private active = 0;
  private onIdle: (() => void)[] = [];
  private lock?: Lock;
  private scope?: RunScope;

  constructor(
    readonly context: ExecutionContext,
    private readonly next: CallHandler,
    private readonly subscriber: Subscriber<unknown>,
  ) {}

  /** Whether the last subscriber has gone, so that the request has another answer than that of the handler. */
  get abandoned(): boolean {
    return this.isAbandoned;
  }

  /** Whether the Observable that the handler has returned was ended from here. To the handler's decorators it has completed. */
  get cut(): boolean {
    return this.isStopped;
  }

  /** Whether the lock was lost. */
  get lost(): boolean {
    return this.lock?.signal.aborted === true;
  }

  /** Whether a call of the handler is under way. */
  get busy(): boolean {
    return this.active > 0;
  }

  /**
   * Passes the handler's values on; resolves with the last one when the chain of interceptors is over, rejects with its
   * error. The handler may still be `busy` then.
   */
  async follow(lock: Lock): Promise<unknown> {
    const current: RunScope['current'] = { run: this };
    const { keys } = lock;
    const scope: RunScope = { current, keys, handler: this.context.getHandler(), inside: false };
    this.lock = lock;
    this.scope = { ...scope, inside: true };
    const onLost = (): void => {
      if (this.streaming) this.stop();
    };
    lock.signal.addEventListener('abort', onLost);
    try {
      return await storage.run(scope, async () => this.subscribe(lock));
    } finally {
      this.chainEnded = true;
      current.run = undefined;
      lock.signal.removeEventListener('abort', onLost);
    }
  }

  /** The last subscriber has gone. */
  abandon(): void {
    this.isAbandoned = true;
    // after its end the chain itself has given up on what is still running, which is then waited for
    if (this.streaming && !this.chainEnded) this.stopUnneeded();
  }

  /** An interceptor inside the lock needs what the handler comes to, also when the last subscriber has gone. */
  need(): void {
    this.isNeeded = true;
  }

  /** Resolves when no call of the handler is under way. */
  async idle(): Promise<void> {
    while (this.active > 0) await new Promise<void>((resolve) => this.onIdle.push(resolve));
  }

  /** Calls the handler, after an earlier call of it has ended: an interceptor that tries again does not wait for that. */
  call(method: () => unknown): unknown {
    return this.active > 0 ? this.idle().then(() => this.begin(method)) : this.begin(method);
  }

  private begin(method: () => unknown): unknown {
    const { lock, scope } = this;
    if (!lock || !scope || this.chainEnded || !lock.held) throw this.tooLate();
    if (this.context.getType<string>() === 'http') noteEarlierHeaders(this.context);
    this.active += 1;
    let result: unknown;
    try {
      result = storage.run(scope, method);
    } catch (error) {
      this.end();
      throw error;
    }
    if (isThenable(result)) return storage.run(scope, async () => this.settle(result));
    this.end();
    return this.handled(result);
  }

  private async settle(result: PromiseLike<unknown>): Promise<unknown> {
    try {
      const value = await result;
      // its sender has been told otherwise by now
      if (this.chainEnded) discardBody(value);
      return this.handled(value);
    } finally {
      this.end();
    }
  }

  private handled(value: unknown): unknown {
    if (isObservable(value)) return this.underLock(value);
    // in an HTTP response, Nest sends what a generator makes, and the lock is kept until then
    if (types.isGeneratorObject(value) && this.context.getType<string>() !== 'http') {
      throw new LockConfigurationError(generatorHandler(nameHandler(this.context)));
    }
    return value;
  }

  /** The Observable that the handler has returned: it is running for as long as anybody is subscribed. */
  private underLock(source: Observable<unknown>): Observable<unknown> {
    this.streaming = true;
    if (this.lost) this.stop();
    else if (this.isAbandoned) this.stopUnneeded();
    return new Observable((subscriber) => {
      if (this.chainEnded || this.lost) {
        subscriber.error(this.tooLate());
        return;
      }
      this.active += 1;
      // an interceptor that subscribes by itself does not learn that its own last subscriber has left
      const stoppable = source.pipe(takeUntil(this.stopped));
      subscriber.add(this.scope && storage.run(this.scope, () => stoppable.subscribe(subscriber)));
      subscriber.add(() => {
        this.end();
      });
    });
  }

  private end(): void {
    this.active -= 1;
    if (this.active > 0) return;
    const waiting = this.onIdle;
    this.onIdle = [];
    for (const resolve of waiting) resolve();
  }

  private tooLate(): LockLostError {
    const keys = this.lock?.keys ?? [];
    return new LockLostError(keys, handlerTooLate(keys));
  }

  private async subscribe(lock: Lock): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let last: unknown;
      const next = (value: unknown): void => {
        last = value;
        this.streaming = true;
        // of a lost lock nothing is passed on: the request is about to fail, with the value in its outcome
        if (!this.isAbandoned && !lock.signal.aborted) {
          this.subscriber.next(value);
          return;
        }
        discardBody(value);
        if (lock.signal.aborted) this.stop();
        else this.stopUnneeded();
      };
      const complete = (): void => {
        resolve(last);
      };
      this.next.handle().pipe(takeUntil(this.stopped)).subscribe({ next, error: reject, complete });
    });
  }

  private stopUnneeded(): void {
    if (!this.isNeeded) this.stop();
  }

  private stop(): void {
    this.isStopped = true;
    this.stopped.next();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
