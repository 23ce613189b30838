import { AsyncLocalStorage } from 'node:async_hooks';
import type { ExecutionContext } from '@nestjs/common';
import { defer, finalize, isObservable, tap, type Observable } from 'rxjs';
import { carryOver } from '../../../decorators/carry-over.js';
import { currentRunOf, type HandlerRun } from '../../../requests/handler-run.js';

/**
 * How the Observable of a handler was ended half-way: by an interceptor, before its first value or after; or by the request's lock,
 * which was lost.
 */
type Cut = 'without-value' | 'after-value' | 'lock-lost';

/** Whether the handler of a request has begun: what guards, pipes and interceptors refuse is no result of it. */
export interface HandlerEntry {
  readonly context: ExecutionContext;
  entered: boolean;
  /** How often it, or what it calls in turn, has begun. */
  calls: number;
  /** The call that is under way: an interceptor that has given up on it does not end it. */
  running: { readonly call: number; readonly ended: Promise<unknown> } | undefined;
  /** How what the handler was doing was ended half-way, unless a later call has come to its end. */
  cut: Cut | undefined;
  /** Whether a call has come to its end. */
  done: boolean;
}

const storage = new AsyncLocalStorage<HandlerEntry>();

type Method = (this: unknown, ...args: unknown[]) => unknown;

export function newEntry(context: ExecutionContext): HandlerEntry {
  return { context, entered: false, calls: 0, running: undefined, cut: undefined, done: false };
}

/** Calls `work`, with the handler that is called in it noting its begin in `entry`. */
export function noteEntry<R>(entry: HandlerEntry, work: () => R): R {
  return storage.run(entry, work);
}

/** Whether this is called by what `noteEntry` has called for `entry`, however much later. */
export function isCalledIn(entry: HandlerEntry): boolean {
  return storage.getStore() === entry;
}

/** The same method, which notes its begin, and its end. */
export function notingEntry(method: Method): Method {
  const noting: Method = function (...args) {
    const entry = storage.getStore();
    if (!entry) return method.apply(this, args);
    entry.entered = true;
    const call = (entry.calls += 1);
    const run = currentRunOf(entry.context);
    const noted = (source: Observable<unknown>): Observable<unknown> => notingEnd(source, { entry, call, run });
    const result = method.apply(this, args);
    if (isObservable(result)) return noted(result);
    if (!isThenable(result)) {
      noteDone(entry);
      return result;
    }
    const settled = Promise.resolve(result).then((value) => {
      if (isObservable(value)) return noted(value);
      noteDone(entry);
      return value;
    });
    const ended: Promise<unknown> = settled.finally(() => {
      noteEnd(entry, ended);
    });
    noteRunning(entry, call, ended);
    return ended;
  };
  carryOver(method, noting);
  return noting;
}

/** A handler may call another one: the outer call is the one that counts. */
function noteRunning(entry: HandlerEntry, call: number, ended: Promise<unknown>): void {
  if (!entry.running || entry.running.call > call) entry.running = { call, ended };
}

function noteDone(entry: HandlerEntry): void {
  entry.cut = undefined;
  entry.done = true;
}

function noteEnd(entry: HandlerEntry, ended: Promise<unknown>): void {
  if (entry.running?.ended === ended) entry.running = undefined;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

interface NotedCall {
  readonly entry: HandlerEntry;
  readonly call: number;
  readonly run: HandlerRun | undefined;
}

/** The same Observable, which notes in `entry` that it is running, and that it is ended from outside. */
function notingEnd(source: Observable<unknown>, { entry, call, run }: NotedCall): Observable<unknown> {
  return defer(() => {
    let isOver = false;
    let last: unknown;
    let cut: Cut = 'without-value';
    let settle: { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void };
    const ended = new Promise<unknown>((resolve, reject) => {
      settle = { resolve, reject };
    });
    ended.catch(() => undefined);
    noteRunning(entry, call, ended);
    const over = (): void => {
      isOver = true;
      noteEnd(entry, ended);
    };
    const end = (): void => {
      if (isOver) return;
      over();
      entry.cut = run?.lost ? 'lock-lost' : cut;
      settle.resolve(last);
    };
    return source.pipe(
      tap({
        next: (value) => {
          last = value;
          cut = 'after-value';
        },
        error: (error: unknown) => {
          over();
          settle.reject(error);
        },
        complete: () => {
          // A lock between this and the handler completes what it ends.
          if (run?.cut) {
            end();
            return;
          }
          over();
          noteDone(entry);
          settle.resolve(last);
        },
      }),
      finalize(end),
    );
  });
}
