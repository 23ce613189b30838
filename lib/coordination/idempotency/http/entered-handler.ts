import { AsyncLocalStorage } from 'node:async_hooks';
import { carryOver } from '../../../decorators/carry-over.js';

/** Whether the handler of a request has begun: what guards, pipes and interceptors refuse is no result of it. */
export interface HandlerEntry {
  entered: boolean;
  /** The call that is under way: an interceptor that has given up on it does not end it. */
  running: Promise<unknown> | undefined;
}

const storage = new AsyncLocalStorage<HandlerEntry>();

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Calls `work`, with the handler that is called in it noting its begin in `entry`. */
export function noteEntry<R>(entry: HandlerEntry, work: () => R): R {
  return storage.run(entry, work);
}

/** The same method, which notes its begin. */
export function notingEntry(method: Method): Method {
  const noting: Method = function (...args) {
    const entry = storage.getStore();
    if (!entry) return method.apply(this, args);
    entry.entered = true;
    const result = method.apply(this, args);
    if (!(result instanceof Promise)) return result;
    const running: Promise<unknown> = result.finally(() => {
      if (entry.running === running) entry.running = undefined;
    });
    entry.running = running;
    return running;
  };
  carryOver(method, noting);
  return noting;
}
