import { AsyncLocalStorage } from 'node:async_hooks';
import { defer, finalize, isObservable, tap, type Observable } from 'rxjs';
import { carryOver } from '../../../decorators/carry-over.js';

/** Whether the handler of a request has begun: what guards, pipes and interceptors refuse is no result of it. */
export interface HandlerEntry {
  entered: boolean;
  /** How often it, or what it calls in turn, has begun. */
  calls: number;
  /** The call that is under way: an interceptor that has given up on it does not end it. */
  running: { readonly call: number; readonly ended: Promise<unknown> } | undefined;
  /** Whether an interceptor has ended what the handler was doing, half-way. */
  isGivenUp: boolean;
}

const storage = new AsyncLocalStorage<HandlerEntry>();

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Calls `work`, with the handler that is called in it noting its begin in `entry`. */
export function noteEntry<R>(entry: HandlerEntry, work: () => R): R {
  return storage.run(entry, work);
}

/** Whether this is called by what `noteEntry` has called for `entry`, however much later. */
export function isCalledIn(entry: HandlerEntry): boolean {
  return storage.getStore() === entry;
}

/** The same method, which notes its begin. */
export function notingEntry(method: Method): Method {
  const noting: Method = function (...args) {
    const entry = storage.getStore();
    if (!entry) return method.apply(this, args);
    entry.entered = true;
    const call = (entry.calls += 1);
    const result = method.apply(this, args);
    if (isObservable(result)) return notingEnd(result, entry);
    if (!isThenable(result)) return result;
    const ended: Promise<unknown> = Promise.resolve(result).finally(() => {
      if (entry.running?.ended === ended) entry.running = undefined;
    });
    // A handler may call another one: the outer call is the one that counts.
    if (!entry.running || entry.running.call > call) entry.running = { call, ended };
    return ended;
  };
  carryOver(method, noting);
  return noting;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** The same Observable, which notes in `entry` that it is ended from outside. */
function notingEnd(source: Observable<unknown>, entry: HandlerEntry): Observable<unknown> {
  return defer(() => {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    return source.pipe(
      tap({ error: over, complete: over }),
      finalize(() => {
        if (!isOver) entry.isGivenUp = true;
      }),
    );
  });
}
