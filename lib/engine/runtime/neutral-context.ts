import { AsyncResource } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';

/**
 * Made when the library is loaded, before any job runs and, ordinarily, before the application has a context. On Node 20
 * `AsyncLocalStorage.run` writes into the resource it is called in, so this one never runs anything but what makes others.
 */
const NEUTRAL = new AsyncResource('nestjs-locking', { requireManualDestroy: true });

const copyOfNeutral = (): AsyncResource => new AsyncResource('nestjs-locking', { requireManualDestroy: true });

/**
 * Calls `work` outside the `AsyncLocalStorage` contexts of the caller. Timers, sockets and promises keep the context
 * they were made in: made in that of one caller, they would call everybody else back in it, and keep it in memory.
 */
export function inNeutralContext<T>(work: () => T): T {
  return NEUTRAL.runInAsyncScope(copyOfNeutral).runInAsyncScope(work);
}

/**
 * The same, at less cost, for what calls nothing back before it has returned, such as `setTimeout`: what it makes calls
 * back in the neutral context.
 */
export function makeInNeutralContext<Args extends unknown[], T>(make: (...args: Args) => T, ...args: Args): T {
  return NEUTRAL.runInAsyncScope<undefined, T>(make as (...args: unknown[]) => T, undefined, ...args);
}

/**
 * An `AbortController` whose listeners run in the async context in which it was made, not in that of the abort. Users
 * hand its signal to many operations, and Node would take more than ten listeners for a leak, and warn.
 */
export class ContextAbort extends AsyncResource {
  private readonly controller = new AbortController();

  constructor() {
    super('Lock.signal', { requireManualDestroy: true });
    setMaxListeners(Infinity, this.controller.signal);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  abort(reason: unknown): void {
    this.runInAsyncScope(() => {
      this.controller.abort(reason);
    });
  }
}
